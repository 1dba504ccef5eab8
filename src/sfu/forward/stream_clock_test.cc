// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/stream_clock.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

constexpr std::uint32_t kRate = 90'000;
constexpr std::int64_t kSecond = kRate;
constexpr std::int64_t kOut = 5'000;       // the first outgoing time
constexpr std::int64_t kOffset = 100'000;  // of the source from it

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(1'000'000 + ms * 1'000);
}

// A stream that started on the source's stream 0 at 0 ms.
struct Started {
    Started() { clock.start({kOut + kOffset, 0}, kOffset, at_ms(0)); }
    // Of a packet `ticks` behind the first one, the last one sent being `last` behind it.
    std::optional<std::int64_t> next(std::int64_t ticks, std::int64_t last, bool resuming,
                                     std::int64_t ms, std::size_t stream = 0) {
        const auto time =
            clock.next(source, {kOut + kOffset + ticks, stream}, kOut + last, resuming, at_ms(ms));
        return time ? std::optional(*time - kOut) : std::nullopt;
    }
    void report(std::size_t stream, std::int64_t ms, std::int64_t timestamp) {
        SourceReport report;
        report.ntp = NtpTime() + Duration::millis(ms);
        report.timestamp = timestamp;
        source.reports[stream] = report;
    }
    SourceState source;
    StreamClock clock;
};

TEST_CASE("StreamClock: a source whose clock went on is followed [FWD-03]") {
    Started s;
    CHECK(s.clock.expected(at_ms(1'000), kRate) == kOut + kSecond);
    CHECK(s.next(kSecond, 3'000, true, 1'100) == kSecond);
    // Never at or before what was sent.
    CHECK(s.next(kSecond, kSecond, true, 1'100) == kSecond + 1);
}

TEST_CASE("StreamClock: a clock that stood still is left, for good, beyond the limit [FWD-03]") {
    const std::int64_t limit = to_clock(StreamClock::kResumeBehindHigh, kRate);
    Started at_limit;
    CHECK(at_limit.next(kSecond, 0, true, 3'000) == 3 * kSecond - limit);
    Started beyond;
    CHECK(beyond.next(kSecond - 90, 0, true, 3'000) == 3 * kSecond);
    // Later packets count from the new place.
    CHECK(beyond.next(kSecond, 3 * kSecond, true, 3'001) == 3 * kSecond + 90);
}

TEST_CASE("StreamClock: after a publisher's mute little is too much, once [FWD-03]") {
    Started s;
    s.clock.note_publisher_mute();
    CHECK(s.next(kSecond, 0, true, 1'201) == kSecond + kSecond * 201 / 1'000);
    CHECK(s.next(kSecond + 90, 2 * kSecond, true, 2'500) == 2 * kSecond + 1);
    Started at_limit;
    at_limit.clock.note_publisher_mute();
    CHECK(at_limit.next(kSecond, 0, true, 1'200) == kSecond);
}

TEST_CASE("StreamClock: other streams come onto the clock of the first by reports [FWD-02]") {
    Started s;
    CHECK_FALSE(s.next(0, 0, false, 100, 1));
    s.report(0, 1'000, kOut + kOffset);
    CHECK_FALSE(s.next(0, 0, false, 100, 1));
    // At 2 s the other stream's clock shows 700'000.
    s.report(1, 2'000, 700'000);
    const std::int64_t packet = 700'000 + 90;
    CHECK(s.next(packet - kOut - kOffset, 0, false, 1'001, 1) == kSecond + 90);
    // Too far back in time it has to wait for its next key frame.
    const std::int64_t behind = to_clock(StreamClock::kSwitchBehind, kRate);
    CHECK(s.next(packet - kOut - kOffset, kSecond + 90 + behind, false, 1'001, 1) ==
          kSecond + 91 + behind);
    CHECK_FALSE(s.next(packet - kOut - kOffset, kSecond + 91 + behind, false, 1'001, 1));
    // Without reports of all streams it goes on behind what was sent last.
    s.source.mode = LayerMode::kOneSpatialLayerPerStreamIncompleteRtcpSr;
    CHECK(s.next(0, 500, false, 1'001, 2) == 501);
}

TEST_CASE("StreamClock: another receiver goes on by the time that passed, once [DYN-05]") {
    Started s;
    s.clock.switch_source();
    CHECK(s.next(-7'777, 0, true, 1'000, 2) == kSecond);
    CHECK(s.clock.reference_stream() == 2);
    // Its clock is the reference from now on.
    CHECK(s.next(-7'777 + 3'000, kSecond, true, 1'050, 2) == kSecond + 3'000);
}

TEST_CASE("StreamClock: behind our own first packet the source follows by the clock [FWD-16]") {
    SourceState source;
    StreamClock clock;
    clock.start_own(kOut, at_ms(0));
    CHECK(clock.next(source, {1, 1}, kOut + kSecond, true, at_ms(500)) == kOut + kSecond + 1);
    CHECK(clock.reference_stream() == 1);
}

}  // namespace
}  // namespace confab::sfu
