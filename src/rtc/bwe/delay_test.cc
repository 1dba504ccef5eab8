// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Groups, trend and detector, each alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

#include "rtc/bwe/delay_trend.h"
#include "rtc/bwe/inter_arrival.h"
#include "rtc/bwe/overuse_detector.h"
#include "rtc/bwe/standing_delay.h"

namespace confab::bwe {
namespace {

Timestamp at(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}
Duration ms(std::int64_t n) {
    return Duration::millis(n);
}

// Groups of one packet each, told as they arrive.
struct Groups {
    InterArrival groups;
    std::optional<GroupDelta> add(std::int64_t sent, std::int64_t arrival) {
        return groups.add(at(sent), ms(arrival), at(arrival));
    }
};

}  // namespace

TEST_CASE("InterArrival: packets within 5 ms are one group, and the one behind it compares them") {
    Groups g;
    CHECK_FALSE(g.add(0, 100));
    CHECK_FALSE(g.add(5, 112));  // still the first group
    CHECK_FALSE(g.add(20, 130));
    CHECK_FALSE(g.add(24, 137));
    const auto delta = g.add(40, 150);
    REQUIRE(delta);
    CHECK(delta->sent == ms(24 - 5));
    CHECK(delta->arrival == ms(137 - 112));
    CHECK(delta->complete == ms(137));
}

TEST_CASE("InterArrival: what a link held and let go together is one group") {
    Groups g;
    CHECK_FALSE(g.add(0, 100));
    CHECK_FALSE(g.add(20, 200));
    CHECK_FALSE(g.add(40, 204));  // 4 ms behind, sent 20 ms behind: of the same burst
    CHECK_FALSE(g.add(60, 207));
    const auto delta = g.add(80, 230);
    REQUIRE(delta);
    CHECK(delta->sent == ms(60));
    CHECK(delta->arrival == ms(107));
}

TEST_CASE("InterArrival: a burst has an end") {
    Groups g;
    CHECK_FALSE(g.add(0, 0));
    std::optional<GroupDelta> delta;
    int packets = 1;
    while (!delta && packets < 100) {
        delta = g.add(10 * packets, 1000 + 4 * packets);
        ++packets;
    }
    // The second packet begins a group that is open for less than 100 ms: 25 packets of 4 ms. The
    // one after it compares them.
    CHECK(packets == 27);
}

TEST_CASE("InterArrival: reordered packets are left out, clocks that jump begin anew") {
    Groups g;
    g.add(0, 100);
    g.add(20, 120);
    CHECK_FALSE(g.add(10, 125));  // sent before its group
    SUBCASE("three times a group that was complete before the one before") {
        CHECK(g.add(40, 140));
        CHECK_FALSE(g.add(60, 90));  // it overtook the group: complete at 90
        CHECK_FALSE(g.add(80, 120));
        CHECK_FALSE(g.add(100, 140));
        CHECK_FALSE(g.add(120, 160));
        // Begun anew: two groups and one behind them are needed.
        CHECK_FALSE(g.add(140, 180));
        CHECK_FALSE(g.add(160, 200));
        CHECK(g.add(180, 220));
    }
    SUBCASE("the receiver's clock is set forward") {
        const auto jumped = [&](std::int64_t sent) {
            return g.groups.add(at(sent), ms(160'000 + sent), at(sent + 100));
        };
        CHECK(g.add(40, 140));
        CHECK(jumped(60));        // compares the two before
        CHECK_FALSE(jumped(80));  // 160 s between groups told 20 ms apart
        CHECK_FALSE(jumped(100));
        CHECK_FALSE(jumped(120));
        const auto delta = jumped(140);
        REQUIRE(delta);
        CHECK(delta->arrival == ms(20));
    }
}

TEST_CASE("DelayTrend: the slope of a queue that grows is what is sent too much [BWE-32]") {
    // 20 % too much: each 10 ms of packets take 12.
    DelayTrend trend;
    double slope = 0;
    for (int i = 1; i <= 100; ++i)
        slope = trend.add({ms(10), ms(12), ms(12 * i)});
    CHECK(slope == doctest::Approx(2.0 / 12).epsilon(0.02));
    CHECK(trend.deltas() == 100);
    for (int i = 1; i <= 200; ++i)
        slope = trend.add({ms(10), ms(10), ms(1200 + 10 * i)});
    CHECK(slope == doctest::Approx(0).epsilon(0.001));
}

TEST_CASE("DelayTrend: nothing is said of fewer than 20 groups") {
    DelayTrend trend;
    for (int i = 1; i < 20; ++i)
        CHECK(trend.add({ms(10), ms(20), ms(20 * i)}) == 0);
    CHECK(trend.add({ms(10), ms(20), ms(400)}) > 0);
}

TEST_CASE("OveruseDetector: two groups and 10 ms above 12.5, and a trend that does not fall") {
    OveruseDetector detector;
    const auto see = [&](double trend, std::int64_t arrived) {
        return detector.detect({trend, 60, ms(10), ms(arrived)});
    };
    // 60 groups x 4: a trend of 0.06 weighs 14.4.
    CHECK(see(0.06, 10) == LinkUse::kNormal);
    CHECK(see(0.06, 20) == LinkUse::kOverusing);
    CHECK(see(0.0, 30) == LinkUse::kNormal);
    CHECK(see(-0.2, 40) == LinkUse::kUnderusing);
    CHECK(see(0.07, 50) == LinkUse::kUnderusing);  // not yet, and no longer
    CHECK(see(0.065, 60) != LinkUse::kOverusing);
    CHECK(see(0.065, 70) == LinkUse::kOverusing);
}

TEST_CASE("OveruseDetector: few groups weigh little") {
    OveruseDetector detector;
    for (int i = 0; i < 10; ++i)
        CHECK(detector.detect({0.06, 20, ms(10), ms(10 * i)}) == LinkUse::kNormal);
    CHECK(detector.detect({0.06, 1, ms(10), ms(100)}) == LinkUse::kNormal);
}

TEST_CASE("OveruseDetector: the threshold follows within 6 and 600, and not to spikes") {
    OveruseDetector detector;
    for (int i = 0; i < 1000; ++i)
        (void)detector.detect({0, 60, ms(10), ms(10 * i)});
    CHECK(detector.threshold() == doctest::Approx(6));
    for (int i = 0; i < 100; ++i)
        (void)detector.detect({1, 60, ms(10), ms(10'000 + 10 * i)});
    CHECK(detector.threshold() == doctest::Approx(6));  // 240 is too far away to be normal
    double trend = 0.05;
    for (int i = 0; i < 100'000; ++i) {
        (void)detector.detect({trend, 60, ms(10), ms(20'000 + 10 * i)});
        trend = (detector.threshold() + 10) / 240;
    }
    CHECK(detector.threshold() == doctest::Approx(600));
}

TEST_CASE("StandingDelay: a queue that stays counts, jitter does not") {
    StandingDelay delay;
    // Jitter of up to 40 ms; each fifth packet is through at once.
    for (int i = 0; i < 200; ++i)
        delay.add(at(10 * i), ms(10 * i + 500 + 10 * (i % 5)), 1000);
    CHECK(delay.value() == Duration::zero());
    for (int i = 200; i < 230; ++i)
        delay.add(at(10 * i), ms(10 * i + 560 + 10 * (i % 5)), 1000);
    CHECK(delay.value() == ms(60));
    // What is there for ten seconds is the way itself.
    for (int i = 230; i < 1500; ++i)
        delay.add(at(10 * i), ms(10 * i + 560), 1000);
    CHECK(delay.value() == Duration::zero());
}

TEST_CASE("StandingDelay: a clock that is set forward is no queue for ten seconds") {
    for (const std::int64_t jump : {2500, 3500}) {
        CAPTURE(jump);
        StandingDelay delay;
        for (int i = 0; i < 100; ++i)
            delay.add(at(10 * i), ms(10 * i), 1000);
        // Not level, so that it is the size that tells.
        for (int i = 100; i < 200; ++i) {
            delay.add(at(10 * i), ms(10 * i + jump + i / 5 % 2 * 500), 1000);
            delay.look();
        }
        CHECK(delay.value() == (jump > 3000 ? Duration::zero() : ms(jump)));
    }
}

namespace {
// The delay of each packet, one in 10 ms, with a report for each ten; what is seen at the end.
template <typename Delay>
Duration seen(StandingDelay& delay, int from, int until, const Delay& of) {
    for (int i = from; i < until; ++i) {
        delay.add(at(10 * i), ms(10 * i + of(i)), 1000);
        if (i % 10 == 9) delay.look();
    }
    return delay.value();
}
}  // namespace

TEST_CASE("StandingDelay: a way that is longer at once is no queue, one that grows is [BWE-32]") {
    for (const int step : {25, 60, 150, 1000}) {
        CAPTURE(step);
        StandingDelay longer;
        CHECK(seen(longer, 0, 200, [](int) { return 40; }) == Duration::zero());
        CHECK(seen(longer, 200, 240, [&](int i) { return 40 + step + i % 3; }) < ms(3));
        // What grows from there on is a queue.
        CHECK(seen(longer, 240, 280, [&](int i) { return 40 + step + 2 * (i - 240); }) > ms(25));
        // Within a tenth of a second: a queue, also where it does not grow any more.
        StandingDelay queue;
        (void)seen(queue, 0, 200, [](int) { return 40; });
        for (const int until : {240, 280})
            (void)seen(queue, until - 40, until,
                       [&](int i) { return 40 + std::min(step, step * (i - 200) / 10); });
        CHECK(queue.value() >= ms(step - 1));
    }
}

TEST_CASE("StandingDelay: step upon step is the traffic of others [BWE-32]") {
    StandingDelay delay;
    (void)seen(delay, 0, 200, [](int) { return 40; });
    CHECK(seen(delay, 200, 240, [](int) { return 100; }) == Duration::zero());
    CHECK(seen(delay, 240, 280, [](int) { return 160; }) == ms(60));
    (void)seen(delay, 280, 1500, [](int) { return 160; });
    CHECK(seen(delay, 1500, 1540, [](int) { return 220; }) == Duration::zero());
}

TEST_CASE("StandingDelay: a step behind which packets are lost is a queue [BWE-32]") {
    StandingDelay delay;
    (void)seen(delay, 0, 200, [](int) { return 40; });
    for (int i = 200; i < 280; ++i) {
        if (i % 8 == 7)
            delay.lost(at(10 * i));
        else
            delay.add(at(10 * i), ms(10 * i + 340), 1000);
        if (i % 10 == 9) delay.look();
    }
    CHECK(delay.value() == ms(300));
}

TEST_CASE("StandingDelay: behind an outage a longer way is no queue, wherever it ends [BWE-32]") {
    for (const int outage : {3, 23, 52, 71}) {
        CAPTURE(outage);
        StandingDelay delay;
        (void)seen(delay, 0, 200, [](int) { return 40; });
        for (int i = 200; i < 200 + outage; ++i)
            delay.lost(at(10 * i));
        CHECK(seen(delay, 200 + outage, 250 + outage, [](int) { return 100; }) == Duration::zero());
    }
}

TEST_CASE("StandingDelay: a burst of our own that drains slowly is a queue [BWE-32]") {
    StandingDelay delay;
    (void)seen(delay, 0, 200, [](int) { return 40; });
    for (int i = 0; i < 40; ++i)
        delay.add(at(2000), ms(2040 + 8 * i), 1000);
    CHECK(seen(delay, 201, 260, [](int i) { return 360 - (i - 200) / 10; }) > ms(300));
}

TEST_CASE("StandingDelay: who sends seldom sees a queue, though not how it grew [BWE-32]") {
    StandingDelay delay;
    for (int i = 0; i < 20; ++i) {
        delay.add(at(200 * i), ms(200 * i + (i < 10 ? 40 : 140)), 3000);
        delay.look();
    }
    CHECK(delay.value() == ms(100));
}

TEST_CASE("StandingDelay: reports that are far apart make no step of what grows [BWE-32]") {
    StandingDelay delay;
    (void)seen(delay, 0, 100, [](int) { return 40; });
    for (int i = 100; i < 400; ++i) {
        delay.add(at(10 * i), ms(10 * i + 40 + (i - 100) / 10), 1000);
        if (i % 100 == 99) delay.look();
    }
    CHECK(delay.value() >= ms(25));
}

TEST_CASE("StandingDelay: absurd and late times are survived") {
    StandingDelay delay;
    CHECK(delay.value() == Duration::zero());
    delay.add(at(1'000'000), ms(5), 1000);
    delay.add(at(0), ms(1'000'000'000), 1000);
    delay.add(at(1'000'100), -ms(1'000'000'000), 1000);
    CHECK(delay.value() >= Duration::zero());
    for (int i = 0; i < 2000; ++i)
        delay.add(at(2'000'000 + 10 * i), ms(10 * i), 1000);
    CHECK(delay.value() == Duration::zero());
}

}  // namespace confab::bwe
