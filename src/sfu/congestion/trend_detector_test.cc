// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/trend_detector.h"

#include <doctest/doctest.h>

#include "base/rng.h"
#include "sfu/congestion/channel_observer.h"
#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {
using test::at_ms;
}

TEST_CASE("TrendDetector: a steady fall shows with the twelfth sample [BWE-21]") {
    TrendDetector detector({});
    for (int i = 0; i < 12; ++i) {
        CHECK(detector.trend() == Trend::kNeutral);
        detector.add(static_cast<std::uint64_t>(1'000'000 - i * 10'000), at_ms(i * 200));
    }
    CHECK(detector.trend() == Trend::kDownward);
    CHECK(detector.highest() == 1'000'000);
}

TEST_CASE("TrendDetector: eight samples are enough after more than five seconds [BWE-21]") {
    TrendDetector seldom({});
    int at = 0;
    for (; at < 20 && seldom.trend() == Trend::kNeutral; ++at)
        seldom.add(static_cast<std::uint64_t>(1'000'000 - at * 10'000), at_ms(at * 1000));
    CHECK(at == 8);
    TrendDetector often({});
    for (int i = 0; i < 11; ++i)
        often.add(static_cast<std::uint64_t>(1'000'000 - i * 10'000), at_ms(i * 400));
    CHECK(often.trend() == Trend::kNeutral);  // 4 s only
}

TEST_CASE("TrendDetector: equal values within 500 ms are one sample, a level start too [BWE-21]") {
    TrendDetector detector({});
    for (int ms = 0; ms <= 20'000; ms += 200)
        detector.add(700'000, at_ms(ms));
    CHECK(detector.samples() == 1);
    CHECK(detector.trend() == Trend::kNeutral);
    detector.add(600'000, at_ms(20'200));
    for (int ms = 20'400; ms <= 22'400; ms += 200)
        detector.add(600'000, at_ms(ms));
    CHECK(detector.samples() == 5);  // the start, the fall and one per 600 ms of three
}

TEST_CASE("TrendDetector: noise is no trend, a rise is one [BWE-21]") {
    Rng rng(7);
    for (int round = 0; round < 200; ++round) {
        TrendDetector up({});
        const std::uint64_t level = 500'000 + rng.below(1'000'000);
        for (int i = 0; i < 30; ++i) {
            up.add(level + static_cast<std::uint64_t>(i) * 1000, at_ms(i * 200));
            REQUIRE(up.trend() != Trend::kDownward);
        }
        REQUIRE(up.trend() == Trend::kUpward);
    }
    TrendDetector saw({});
    for (int i = 0; i < 60; ++i) {
        saw.add(i % 2 == 0 ? 1'100'000 : 1'300'000, at_ms(i * 200));
        CHECK(saw.trend() != Trend::kDownward);
    }
}

TEST_CASE("TrendDetector: samples are forgotten after ten seconds [BWE-21]") {
    TrendDetector detector({});
    for (int i = 0; i < 11; ++i)
        detector.add(static_cast<std::uint64_t>(1'000'000 - i * 10'000), at_ms(i * 200));
    detector.add(100'000, at_ms(12'500));
    CHECK(detector.samples() == 1);
    CHECK(detector.trend() == Trend::kNeutral);
}

TEST_CASE("TrendDetector: three falling samples are enough in a probe [BWE-21]") {
    TrendDetector detector(ObserverOptions::probe().trend);
    detector.add(900'000, at_ms(0));
    detector.add(800'000, at_ms(100));
    CHECK_FALSE(detector.heard_enough());
    detector.add(850'000, at_ms(200));  // two pairs fall, one rises
    CHECK(detector.trend() == Trend::kDownward);
    CHECK(detector.heard_enough());
    TrendDetector level(ObserverOptions::probe().trend);
    for (int i = 0; i < 3; ++i)
        level.add(900'000, at_ms(i * 100));
    CHECK(level.trend() == Trend::kNeutral);
    CHECK(level.heard_enough());
}

TEST_CASE("NackRatio: repeated requests of two to three seconds [BWE-21]") {
    NackRatio nacks({});
    nacks.add(1000, 0, at_ms(0));  // before the window opened
    for (int ms = 200; ms <= 2200; ms += 200) {
        nacks.add(20, 2, at_ms(ms));
        CHECK_FALSE(nacks.triggered(at_ms(ms)));
    }
    nacks.add(20, 2, at_ms(2400));
    CHECK(nacks.ratio() == doctest::Approx(0.1));
    CHECK(nacks.triggered(at_ms(2400)));
    nacks.add(20, 0, at_ms(3400));  // a new window opens with the next repeated one
    CHECK_FALSE(nacks.triggered(at_ms(3400)));
    CHECK(nacks.ratio() == 0);
    NackRatio frozen({});  // nothing new is sent meanwhile
    for (int ms = 0; ms <= 2200; ms += 200)
        frozen.add(0, 50, at_ms(ms));
    CHECK(frozen.triggered(at_ms(2200)));
    NackRatio few({});
    for (int ms = 0; ms <= 3000; ms += 200)
        few.add(25, ms % 400 == 0 ? 3 : 0, at_ms(ms));
    CHECK(few.ratio() < 0.08);
    CHECK_FALSE(few.triggered(at_ms(3000)));
}

}  // namespace confab::sfu
