// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/quality/quality_window.h"

#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"
#include "sfu/forward/leg_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;

TEST_CASE("WindowAverage: each value by how long it held, each window by itself [CQ-02]") {
    WindowAverage average(1);
    average.set(Timestamp(), 0);  // before time began
    CHECK(average.take(at_ms(100)) == 0);
    average.set(at_ms(1'100), 2);
    average.set(at_ms(1'600), 4);
    CHECK(average.take(at_ms(2'100)) == doctest::Approx((0 * 1'000 + 2 * 500 + 4 * 500) / 2'000.));
    CHECK(average.take(at_ms(3'000)) == doctest::Approx(4));
    CHECK(average.take(at_ms(3'000)) == doctest::Approx(4));
}

TEST_CASE("DownTrack: a window has the distance and the mutes of its time [CQ-02]") {
    test::Leg leg(Codec::kVp8, 2);
    leg.source.max_seen = {2, 0};
    leg.track.source_changed(at_ms(1'000));
    REQUIRE(leg.send(1'000, 0, true));
    (void)leg.track.window(at_ms(1'000));
    leg.track.set_bandwidth({0, 3}, true, at_ms(3'000));
    DownTrackWindow window = leg.track.window(at_ms(5'000));
    CHECK(window.distance == doctest::Approx(1));  // two layers less for half of it
    CHECK(window.unmuted == doctest::Approx(1));
    leg.enable(6'000, false);
    window = leg.track.window(at_ms(10'000));
    CHECK(window.unmuted == doctest::Approx(0.2));
    leg.enable(11'000, true);
    leg.mute(14'000, true);
    window = leg.track.window(at_ms(15'000));
    CHECK(window.unmuted == doctest::Approx(0.6));
}

TEST_CASE("DownTrack: who reports nothing for thirty seconds of what it is sent [CQ-02]") {
    test::Leg leg(Codec::kVp8);
    std::int64_t ms = 1'000;
    bool key = true;
    const auto unreported = [&](std::int64_t until) {
        for (; ms < until; ms += 100)
            REQUIRE(leg.send(ms, 9'000, std::exchange(key, false)));
        return leg.track.window(at_ms(until)).unreported;
    };
    CHECK_FALSE(unreported(5'000));
    CHECK_FALSE(unreported(34'900));
    CHECK(unreported(35'100));
    wire::ReportBlock block;
    block.ssrc = 0x1111;
    (void)leg.track.handle_report(block, at_ms(36'000));
    CHECK_FALSE(unreported(65'900));
    CHECK(unreported(66'000));
    // Of what flows not, nobody has anything to report.
    leg.enable(66'000, false);
    CHECK_FALSE(leg.track.window(at_ms(70'000)).unreported);
    leg.enable(100'000, true);
    key = true;
    ms = 100'000;
    CHECK_FALSE(unreported(110'000));
}

}  // namespace
}  // namespace confab::sfu
