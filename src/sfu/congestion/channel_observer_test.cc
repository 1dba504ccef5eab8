// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/channel_observer.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

TEST_CASE("NackRatio: triggers above the ratio and behind the shortest window, not at [BWE-21]") {
    const NackOptions options;
    NackRatio nacks(options);
    nacks.add(1'000, 0, at_ms(0));  // before the first loss nothing counts
    CHECK(nacks.ratio() == 0);
    nacks.add(100, 9, at_ms(100));
    const Timestamp edge = at_ms(100) + options.window_min;
    CHECK_FALSE(nacks.triggered(edge));
    CHECK(nacks.triggered(edge + Duration::micros(1)));
    NackRatio at(options);
    at.add(100, 8, at_ms(100));
    CHECK_FALSE(at.triggered(edge + Duration::micros(1)));
}

TEST_CASE("NackRatio: a window ends, and the next begins with the next loss [BWE-21]") {
    const NackOptions options;
    NackRatio nacks(options);
    nacks.add(100, 50, at_ms(0));
    const Timestamp end = at_ms(0) + options.window_max;
    nacks.add(100, 0, end);
    CHECK(nacks.ratio() == doctest::Approx(0.25));
    nacks.add(100, 0, end + Duration::micros(1));
    CHECK(nacks.ratio() == 0);
    CHECK_FALSE(nacks.triggered(end + Duration::seconds(5)));
    nacks.add(10, 5, end + Duration::seconds(1));
    CHECK(nacks.ratio() == doctest::Approx(0.5));
}

TEST_CASE(
    "NackRatio: where nothing new is sent old losses are all there is, never above 1 "
    "[BWE-21]") {
    NackRatio frozen({});
    frozen.add(0, 4, at_ms(0));
    CHECK(frozen.ratio() == 1);
    CHECK(frozen.triggered(at_ms(2'001)));
    NackRatio flood({});
    flood.add(5, 50, at_ms(0));
    CHECK(flood.ratio() == 1);
}

TEST_CASE("NackRatio: reports once a second or less are judged, each window once [BWE-21]") {
    // Once a second, a little late or early: 2 s behind the first, or 3.
    for (const std::int64_t apart : {990, 1'000, 1'010, 1'400, 3'500}) {
        CAPTURE(apart);
        NackRatio seldom({});
        int triggers = 0;
        for (int i = 0; i < 12; ++i) {
            seldom.add(100, 20, at_ms(i * apart));
            triggers += seldom.triggered(at_ms(i * apart)) ? 1 : 0;
        }
        CHECK(triggers >= 3);
    }
    // Without repeats since, the next window does not begin.
    NackRatio once({});
    once.add(100, 50, at_ms(0));
    once.add(100, 0, at_ms(3'500));
    CHECK(once.triggered(at_ms(3'500)));
    once.add(100, 0, at_ms(7'000));
    CHECK_FALSE(once.triggered(at_ms(7'000)));
    CHECK(once.ratio() == 0);
}

TEST_CASE("NackRatio: is suspicious from the first losses until they are judged [BWE-21]") {
    NackRatio nacks({});
    CHECK_FALSE(nacks.suspicious());
    nacks.add(100, 8, at_ms(0));
    CHECK_FALSE(nacks.suspicious());  // 8 % is none
    nacks.add(100, 9, at_ms(1'000));
    CHECK(nacks.suspicious());
    nacks.add(100, 10, at_ms(2'001));
    CHECK(nacks.triggered(at_ms(2'001)));
    CHECK_FALSE(nacks.suspicious());
}

TEST_CASE("ChannelObserver: a falling estimate is told before losses, a calm link none [BWE-21]") {
    ChannelObserver calm(ObserverOptions::normal());
    for (int i = 0; i < 20; ++i)
        calm.add(1'000'000 + static_cast<std::uint64_t>(i), 100, 0, at_ms(i * 600));
    CHECK(calm.congesting(at_ms(12'000)) == CongestionReason::kNone);

    // Losses alone: the estimate stands.
    ChannelObserver lossy(ObserverOptions::normal());
    for (int i = 0; i < 5; ++i)
        lossy.add(1'000'000, 100, 20, at_ms(i * 600));
    CHECK(lossy.congesting(at_ms(2'401)) == CongestionReason::kLoss);
    CHECK(lossy.nack_ratio() == doctest::Approx(0.2));

    ChannelObserver both(ObserverOptions::normal());
    for (int i = 0; i < 20; ++i)
        both.add(2'000'000 - static_cast<std::uint64_t>(i) * 50'000, 100, 50, at_ms(i * 200));
    CHECK(both.congesting(at_ms(4'000)) == CongestionReason::kEstimate);
}

TEST_CASE("ChannelObserver: a probe is watched with a quicker eye [BWE-21] [BWE-23]") {
    ChannelObserver normal(ObserverOptions::normal());
    ChannelObserver probe(ObserverOptions::probe());
    // Three falling reports, or one in twenty lost for half a second.
    for (int i = 0; i < 3; ++i)
        for (ChannelObserver* one : {&normal, &probe})
            one->add(2'000'000 - static_cast<std::uint64_t>(i) * 100'000, 100, 0, at_ms(i * 100));
    CHECK(normal.congesting(at_ms(300)) == CongestionReason::kNone);
    CHECK(probe.congesting(at_ms(300)) == CongestionReason::kEstimate);

    ChannelObserver touchy(ObserverOptions::probe());
    touchy.add(2'000'000, 100, 5, at_ms(0));
    CHECK(touchy.congesting(at_ms(500)) == CongestionReason::kNone);
    CHECK(touchy.congesting(at_ms(501)) == CongestionReason::kLoss);
}

}  // namespace
}  // namespace confab::sfu
