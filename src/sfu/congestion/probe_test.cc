// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <vector>

#include "rtc/bwe/probe_bitrate.h"
#include "sfu/congestion/probe_regulator.h"
#include "sfu/congestion/prober.h"
#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {
using test::at_ms;
}

TEST_CASE("ProbeRegulator: waits 3, 4, 6 … 120 s as probes go on failing [BWE-11]") {
    ProbeRegulator regulator;
    CHECK(regulator.ready(at_ms(0)));
    std::vector<std::int64_t> waits;
    std::int64_t now = 0;
    regulator.note(ProbeVerdict::kInconclusive, at_ms(now));
    for (int i = 0; i < 12; ++i) {
        waits.push_back((regulator.next() - at_ms(now)).us() / 1'000'000);
        CHECK_FALSE(regulator.ready(at_ms(regulator.next().ms() - 1)));
        now = regulator.next().ms();
        CHECK(regulator.ready(at_ms(now)));
        regulator.note(ProbeVerdict::kCongested, at_ms(now));
    }
    const std::vector<std::int64_t> expected{3, 4, 6, 9, 13, 19, 28, 42, 63, 94, 120, 120};
    CHECK(waits == expected);
    regulator.note(ProbeVerdict::kSuccess, at_ms(now));
    CHECK(regulator.interval() == Duration::seconds(3));
}

TEST_CASE("ProbeRegulator: probes that go well last longer, up to 20 s [BWE-11]") {
    ProbeRegulator regulator;
    CHECK(regulator.duration() == Duration::millis(200));
    regulator.note(ProbeVerdict::kSuccess, at_ms(0));
    CHECK(regulator.duration() == Duration::millis(300));
    regulator.note(ProbeVerdict::kSuccess, at_ms(0));
    CHECK(regulator.duration() == Duration::millis(450));
    for (int i = 0; i < 20; ++i)
        regulator.note(ProbeVerdict::kSuccess, at_ms(0));
    CHECK(regulator.duration() == Duration::seconds(20));
    regulator.note(ProbeVerdict::kCongested, at_ms(0));
    CHECK(regulator.duration() == Duration::millis(200));
}

TEST_CASE("ProbeRegulator: one that heard nothing keeps its interval and lasts longer [BWE-11]") {
    ProbeRegulator regulator;
    for (int i = 0; i < 30; ++i) {
        regulator.note(ProbeVerdict::kInconclusive, at_ms(i * 3000));
        CHECK(regulator.next() == at_ms((i + 1) * 3000));
    }
    CHECK(regulator.duration() == ProbeRegulator::kDurationUnheard);
    // What it takes to hear enough is remembered beyond a failure; waits shrink again.
    for (int i = 0; i < 5; ++i)
        regulator.note(ProbeVerdict::kCongested, at_ms(100'000));
    CHECK(regulator.duration() == ProbeRegulator::kDurationUnheard);
    CHECK(regulator.interval() == Duration::seconds(19));
    regulator.note(ProbeVerdict::kInconclusive, at_ms(100'000));
    CHECK(regulator.interval() == Duration::seconds(9));
    regulator.reset();
    CHECK(regulator.duration() == Duration::millis(200));
}

TEST_CASE(
    "ProbeRegulator: gains that do not hold are tried for ever more seldom [BWE-11] [MC-13]") {
    ProbeRegulator regulator;
    std::int64_t now = 0;
    for (const std::int64_t wait : {4000, 6000, 9000, 13'000}) {
        regulator.note(ProbeVerdict::kSuccess, at_ms(now));
        regulator.reset();  // everything fitted
        now += 5000;
        regulator.note_relapse(at_ms(now));
        CHECK(regulator.next() == at_ms(now + wait));
        now += wait;
    }
    regulator.note_held();
    regulator.note_relapse(at_ms(now));
    CHECK(regulator.next() == at_ms(now + 4000));
}

TEST_CASE("ProbeRegulator: where the limit was found it is not asked for again at once [BWE-11]") {
    ProbeRegulator regulator(ProbePlan::measured());
    for (int i = 0; i < 2; ++i)
        regulator.note(ProbeVerdict::kSuccess, at_ms(0));
    CHECK(regulator.multiple() == 4);
    CHECK(regulator.next() == at_ms(1000));
    regulator.note(ProbeVerdict::kLimitFound, at_ms(1000));
    CHECK(regulator.multiple() == 1);
    CHECK(regulator.duration() == ProbeRegulator::kDuration);
    CHECK(regulator.next() == at_ms(4000));
    // It is no failure, and ends a row of them.
    for (const std::int64_t wait : {4000, 6000, 7000}) {
        regulator.note(ProbeVerdict::kCongested, at_ms(10'000));
        CHECK(regulator.next() == at_ms(10'000 + wait));
    }
    regulator.note(ProbeVerdict::kLimitFound, at_ms(10'000));
    CHECK(regulator.next() == at_ms(13'000));
}

TEST_CASE("Prober: equal rounds of at least 1100 bytes over the duration [BWE-11]") {
    Prober prober;
    CHECK(prober.next_deadline().is_never());
    prober.start(200'000, Duration::millis(200), at_ms(1000));
    std::vector<std::int64_t> at;
    std::size_t bytes = 0;
    for (int i = 0; i < 50 && prober.running(); ++i) {
        const Timestamp now = prober.next_deadline();
        at.push_back(now.ms() - 1000);
        const std::size_t round = prober.poll(now);
        CHECK(round >= 1100);
        CHECK(prober.poll(now) == 0);  // one at a time
        bytes += round;
    }
    const std::vector<std::int64_t> expected{0, 50, 100, 150, 200};
    CHECK(at == expected);
    CHECK(bytes >= 5000);
    CHECK(bytes <= 5500);
}

TEST_CASE("Prober: rounds no closer than 20 ms, the rate is kept [BWE-11]") {
    Prober prober;
    prober.start(4'000'000, Duration::millis(450), at_ms(0));
    std::size_t bytes = 0;
    std::size_t rounds = 0;
    Timestamp last;
    while (prober.running()) {
        const Timestamp now = prober.next_deadline();
        if (rounds > 0) CHECK(now - last >= Duration::millis(20));
        last = now;
        bytes += prober.poll(now);
        ++rounds;
    }
    CHECK(rounds == 23);
    CHECK(bytes > 220'000);
    CHECK(bytes <= 225'000);  // 4 Mbit/s for 450 ms
}

TEST_CASE("Prober: what is measured between its ends is what was aimed at [BWE-11] [BWE-35]") {
    for (const std::uint64_t rate : {100'000U, 200'000U, 700'000U, 1'500'000U, 6'000'000U})
        for (const std::int64_t length : {200, 300, 450, 900}) {
            CAPTURE(rate);
            CAPTURE(length);
            Prober prober;
            bwe::ProbeBitrate measured;
            prober.start(rate, Duration::millis(length), at_ms(1000), true);
            measured.begin(at_ms(1000));
            const bwe::PacketFeedback none;
            while (prober.running()) {
                bwe::PacketFeedback one = none;
                one.sent = prober.next_deadline();
                one.arrival = one.sent - at_ms(900);
                one.bytes = static_cast<std::uint32_t>(prober.poll(one.sent));
                one.received = true;
                measured.handle_sent(one.sent, one.bytes);
                measured.handle_feedback(one);
            }
            const auto result = measured.result();
            if (!result) continue;  // of too few packets
            CHECK(result->bits_per_second >= 0.999 * static_cast<double>(rate));
            const double most = std::max<double>(static_cast<double>(rate), 1100 * 8 / 0.2);
            CHECK(result->bits_per_second <= 1.06 * most);
        }
}

TEST_CASE("Prober: whole packets beyond a round come off the next ones [BWE-11]") {
    Prober prober;
    prober.start(500'000, Duration::millis(200), at_ms(0));
    constexpr std::size_t kAll = 12'500;
    std::size_t packet = 0;
    SUBCASE("of packets that are a little too small") {
        packet = 900;
    }
    SUBCASE("of packets longer than a round") {
        packet = 2600;
    }
    std::size_t sent = 0;
    std::vector<std::int64_t> at;
    while (prober.running()) {
        const Timestamp now = prober.next_deadline();
        const std::size_t round = prober.poll(now);
        std::size_t made = 0;
        while (made < round)
            made += packet;
        if (made > 0) at.push_back(now.ms());
        prober.note_sent(made);
        sent += made;
        // Never more ahead of the pace than one packet and what the first round is ahead of it.
        CHECK(sent * 200 <= kAll * static_cast<std::size_t>(now.ms()) + 200 * (packet + 1300));
    }
    CHECK(sent > kAll - 1300);
    CHECK(sent < kAll + packet);
    CHECK(at.front() == 0);
    CHECK(at.back() >= 150);
    // Nothing of it is held against the next probe.
    prober.start(500'000, Duration::millis(200), at_ms(1000));
    CHECK(prober.poll(at_ms(1000)) > 1100);
}

TEST_CASE("Prober: what could not be sent is not made up for [BWE-11]") {
    Prober prober;
    prober.start(500'000, Duration::millis(200), at_ms(0));
    const std::size_t first = prober.poll(prober.next_deadline());
    prober.note_sent(0);
    CHECK(prober.poll(prober.next_deadline()) == first);
    prober.note_sent(100);
    CHECK(prober.poll(prober.next_deadline()) == first);
}

TEST_CASE("Prober: late rounds keep 10 ms, unfetched ones end [BWE-11]") {
    Prober prober;
    prober.start(400'000, Duration::millis(200), at_ms(0));
    CHECK(prober.poll(at_ms(150)) > 0);
    CHECK(prober.next_deadline() == at_ms(160));
    prober.handle_timeout(at_ms(190));
    CHECK(prober.running());
    prober.handle_timeout(at_ms(300));
    CHECK_FALSE(prober.running());
    CHECK(prober.poll(at_ms(300)) == 0);
}

}  // namespace confab::sfu
