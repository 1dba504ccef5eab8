// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <array>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "base/rng.h"
#include "rtc/rtp/audio_level.h"
#include "rtc/rtp/nack_tracker.h"
#include "rtc/rtp/padding_compactor.h"
#include "rtc/rtp/pli_throttle.h"
#include "rtc/rtp/reception_stats.h"

namespace confab::rtp {
namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

std::vector<std::uint16_t> collect(NackTracker& tracker, Timestamp now) {
    std::array<std::uint16_t, 128> out{};
    const std::size_t count = tracker.collect(now, out);
    return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count)};
}

TEST_CASE("NackTracker: forgets what it had no room to ask for in its lifetime [IN-04]") {
    const Timestamp start = Timestamp::micros(1'000'000);
    NackTracker nacks;
    nacks.add_gap(start, 10, 12);
    std::array<std::uint16_t, 4> out{};
    const auto ask = [&](Timestamp now, std::size_t room) {
        return nacks.collect(now, std::span(out).first(room));
    };
    CHECK(ask(start + NackTracker::kLifetime, 0) == 0);
    CHECK(nacks.abandoned() == 0);
    CHECK(ask(start + NackTracker::kLifetime + Duration::micros(1), 4) == 0);
    CHECK(nacks.abandoned() == 2);
}

TEST_CASE("NackTracker: first request after 20 ms, five tries with growing distance [IN-04]") {
    NackTracker tracker;
    tracker.add_gap(at_ms(0), 100, 103);
    CHECK(collect(tracker, at_ms(19)).empty());
    CHECK(collect(tracker, at_ms(20)) == std::vector<std::uint16_t>{100, 101, 102});
    CHECK(collect(tracker, at_ms(80)).empty());
    std::vector<std::int64_t> times;
    for (std::int64_t ms = 81; ms < 3000; ++ms)
        if (!collect(tracker, at_ms(ms)).empty()) times.push_back(ms);
    // rtt 70 ms: 70, 87.5, 109.4, 136.7 ms after one another.
    CHECK(times == std::vector<std::int64_t>{90, 178, 288, 425});
    CHECK(tracker.missing() == 0);
    CHECK(tracker.abandoned() == 3);
}

TEST_CASE("NackTracker: a packet that arrived is not asked for, the list is bounded [IN-04]") {
    NackTracker tracker;
    tracker.add_gap(at_ms(0), 10, 13);
    CHECK(tracker.received(11));
    CHECK_FALSE(tracker.received(11));
    CHECK(collect(tracker, at_ms(30)) == std::vector<std::uint16_t>{10, 12});
    tracker.add_gap(at_ms(31), 20, 100'000);
    CHECK(tracker.missing() == NackTracker::kMaxMissing);
    const auto asked = collect(tracker, at_ms(60));
    CHECK(asked.size() == NackTracker::kMaxMissing);
    CHECK(asked.back() == static_cast<std::uint16_t>(99'999));
}

TEST_CASE("PaddingCompactor: agrees with a model that keeps everything [IN-02]") {
    Rng rng(11);
    for (int run = 0; run < 50; ++run) {
        PaddingCompactor compactor;
        std::map<std::int64_t, std::int64_t> model;  // sequence → number, content only
        std::set<std::int64_t> padding;
        std::int64_t next = 1000;
        std::int64_t excluded = 0;
        for (int i = 0; i < 300; ++i) {
            if (rng.below(8) == 0) {
                padding.insert(next);
                compactor.exclude(next);
                ++excluded;
            } else if (rng.below(40) == 0) {
                const auto count = static_cast<std::int64_t>(1 + rng.below(60));
                for (std::int64_t s = next; s < next + count; ++s)
                    padding.insert(s);
                compactor.exclude(next, count);
                excluded += count;
                next += count - 1;
            } else {
                model[next] = next - excluded;
                CHECK(compactor.map(next).value() == next - excluded);
            }
            ++next;
            // A late packet gets the number that was reserved for it.
            const std::int64_t late = next - 1 - static_cast<std::int64_t>(rng.below(40));
            if (late < 1000) continue;
            if (padding.contains(late))
                CHECK_FALSE(compactor.map(late).has_value());
            else
                CHECK(compactor.map(late).value() == model.at(late));
        }
    }
}

TEST_CASE("PaddingCompactor: forgets the oldest ranges, never mixes them up [IN-02]") {
    PaddingCompactor compactor;
    for (std::int64_t s = 0; s < 1000; s += 2)
        compactor.exclude(s + 1);
    CHECK_FALSE(compactor.map(2).has_value());
    CHECK(compactor.map(998).value() == 998 - 499);
    CHECK(compactor.map(1001).value() == 1001 - 500);
}

TEST_CASE("ReceptionStats: loss since the last report and in total [IN-05]") {
    ReceptionStats stats(90'000);
    for (std::int64_t s = 0; s < 100; ++s)
        if (s % 4 != 3) stats.received(at_ms(s * 10), 65'000 + s, s * 900, 1000);
    const ReceptionReport first = stats.report(at_ms(1000));
    CHECK(first.cumulative_lost == 24);  // the last missing one is behind the highest
    CHECK(first.fraction_lost == 24 * 256 / 99);
    CHECK(first.highest_sequence == 65'098);
    CHECK(first.jitter == 0);
    for (std::int64_t s = 99; s < 150; ++s)
        stats.received(at_ms(s * 10), 65'000 + s, s * 900, 1000);
    const ReceptionReport second = stats.report(at_ms(2000));
    CHECK(second.fraction_lost == 0);
    CHECK(second.cumulative_lost == 24);
    CHECK(second.highest_sequence == 65'149);
}

TEST_CASE(
    "ReceptionStats: LSR and DLSR give the round trip, jitter follows RFC 3550 [IN-05][IN-10]") {
    ReceptionStats stats(8000);
    CHECK(stats.report(at_ms(0)).last_sr == 0);
    for (int i = 0; i < 200; ++i)  // alternately 0 and 5 ms late: |D| is 5 ms = 40 units
        stats.received(at_ms(i * 20 + (i % 2) * 5), i, i * 160, 100);
    const NtpTime ntp(0x1234'5678'9ABC'DEF0ULL);
    stats.received_sender_report(at_ms(5000), ntp);
    const ReceptionReport report = stats.report(at_ms(5500));
    CHECK(report.last_sr == 0x5678'9ABC);
    CHECK(report.delay_since_sr == 32'768);
    CHECK(report.jitter >= 38);
    CHECK(report.jitter <= 40);
}

TEST_CASE("ReceptionStats: the pace within a frame and padding behind it are no jitter [IN-05]") {
    ReceptionStats stats(90'000);
    std::int64_t sequence = 0;
    for (std::int64_t frame = 0; frame < 50; ++frame)
        for (const int behind : {0, 5, 90})
            stats.received(at_ms(frame * 100 + behind), sequence++, frame * 9000, 1000);
    CHECK(stats.report(at_ms(5000)).jitter == 0);
}

TEST_CASE("AudioLevel: loud for 40 % of the interval is active, silence ends it at once [IN-30]") {
    AudioLevel level;
    for (int i = 0; i < 20; ++i)  // 400 ms at -12 dBov
        level.observe(at_ms(i * 20), 12, Duration::millis(20));
    CHECK(level.is_active(at_ms(400)));
    CHECK(level.level(at_ms(400)) == doctest::Approx(0.251 * 2 / 3).epsilon(0.01));
    CHECK(level.level(at_ms(1300)) == 0);  // stale after two intervals
    for (int i = 0; i < 20; ++i)
        level.observe(at_ms(400 + i * 20), 90, Duration::millis(20));
    CHECK_FALSE(level.is_active(at_ms(800)));
    for (int i = 0; i < 20; ++i)  // active 30 % only
        level.observe(at_ms(800 + i * 20), i < 6 ? 10 : 100, Duration::millis(20));
    CHECK_FALSE(level.is_active(at_ms(1200)));
}

TEST_CASE("AudioLevel: without smoothing the level is that of the last interval [IN-30]") {
    AudioLevelOptions options;
    options.smooth_intervals = 0;
    AudioLevel level(options);
    // Even loudness for ten intervals: the same level after each.
    for (int i = 1; i <= 200; ++i) {
        const Timestamp now = at_ms(20 * i);
        level.observe(now, 20, Duration::millis(20));
        if (i % 20 == 0) CHECK(level.level(now) == doctest::Approx(0.1));
    }
}

TEST_CASE("AudioLevel: who is silent behind a gap does not speak, whatever was before it [IN-30]") {
    for (const Duration jump : {Duration::millis(20), Duration::seconds(2)}) {
        AudioLevel level;
        std::int64_t ms = 0;
        for (; ms < 2'300; ms += 20)  // the gap is in the middle of an interval
            level.observe(at_ms(ms), 5, Duration::millis(20));
        REQUIRE(level.is_active(at_ms(ms)));
        ms += 2'000;
        level.observe(at_ms(ms), 127, jump);
        CHECK_FALSE(level.is_active(at_ms(ms)));
        for (int i = 1; i <= 30; ++i) {
            level.observe(at_ms(ms + i * 20), 127, Duration::millis(20));
            CHECK_FALSE(level.is_active(at_ms(ms + i * 20)));
        }
    }
    // What is no gap changes nothing.
    AudioLevel level;
    for (int i = 0; i < 40; ++i)
        level.observe(at_ms(i * 20), 5, Duration::millis(20));
    level.observe(at_ms(39 * 20 + 800), 127, Duration::millis(20));
    CHECK(level.is_active(at_ms(39 * 20 + 800)));
}

TEST_CASE("AudioLevel: a jump of the RTP clock does not count as speech [IN-30]") {
    AudioLevel level;
    level.observe(at_ms(0), 5, Duration::seconds(1000));
    level.observe(at_ms(20), 5, Duration::micros(-20'000));
    CHECK(level.level(at_ms(20)) <= 1.0);
}

TEST_CASE("PliThrottle: requests are merged, the seeder stops with the first key frame [IN-08]") {
    PliThrottle throttle(Duration::millis(500));
    CHECK_FALSE(throttle.poll(at_ms(0)));
    throttle.request();
    throttle.request();
    CHECK(throttle.poll(at_ms(1)));
    throttle.request();
    CHECK_FALSE(throttle.poll(at_ms(400)));
    CHECK(throttle.next_deadline() == at_ms(501));
    CHECK(throttle.poll(at_ms(501)));
    throttle.start_seeder(at_ms(1000));
    int sent = 0;
    for (std::int64_t ms = 1000; ms < 60'000; ms += 10)
        sent += throttle.poll(at_ms(ms)) ? 1 : 0;
    CHECK(sent == 30);
    PliThrottle stopped(Duration::millis(500));
    stopped.start_seeder(at_ms(0));
    stopped.key_frame_received();
    CHECK_FALSE(stopped.poll(at_ms(5000)));
    CHECK(stopped.next_deadline().is_never());
}

}  // namespace
}  // namespace confab::rtp
