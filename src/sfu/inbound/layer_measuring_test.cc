// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Does a layer flow, how much, how often (02 IN-21, IN-23, SUB-03).
#include <doctest/doctest.h>

#include <array>

#include "sfu/forward/forward_testing.h"
#include "sfu/inbound/layer_fps.h"
#include "sfu/inbound/stream_tracker.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using Change = StreamTracker::Change;

// Sends `per_cycle` packets in each of `cycles` cycles of 500 ms; the cycle in which the tracker
// changed first, counted from 1, or 0.
int run(StreamTracker& tracker, std::int64_t& ms, int cycles, int per_cycle, Change wanted) {
    int found = 0;
    for (int c = 1; c <= cycles; ++c) {
        for (int i = 0; i < per_cycle; ++i) {
            if (tracker.packet(at_ms(ms)) == wanted && found == 0) found = c;
        }
        ms += 500;
        if (tracker.handle_timeout(at_ms(ms)) == wanted && found == 0) found = c;
    }
    return found;
}

}  // namespace

TEST_CASE(
    "StreamTracker: starts with the first packet, stops after one poor cycle [IN-21] [TRAP-32]") {
    StreamTracker tracker(TrackerOptions::for_layer(1, false));
    CHECK(tracker.packet(at_ms(0)) == Change::kStarted);
    CHECK(tracker.next_deadline() == at_ms(500));
    CHECK(tracker.handle_timeout(at_ms(499)) == Change::kNone);
    for (int i = 0; i < 3; ++i)
        (void)tracker.packet(at_ms(100));
    CHECK(tracker.handle_timeout(at_ms(500)) == Change::kStopped);  // four are less than five
    CHECK_FALSE(tracker.active());
}

TEST_CASE("StreamTracker: comes back after 2 s or 10 s of good cycles [IN-21] [TRAP-32]") {
    for (const auto& [spatial, packets, cycles] :
         {std::array{0, 1, 4}, std::array{1, 5, 20}, std::array{2, 5, 20}}) {
        StreamTracker tracker(TrackerOptions::for_layer(static_cast<std::uint8_t>(spatial), false));
        std::int64_t ms = 0;
        CHECK(run(tracker, ms, 3, packets, Change::kStarted) == 1);
        // The lowest layer is given a second.
        const int patience = spatial == 0 ? 2 : 1;
        CHECK(run(tracker, ms, patience, 0, Change::kStopped) == patience);
        CHECK(run(tracker, ms, cycles - 1, packets, Change::kStarted) == 0);
        CHECK(run(tracker, ms, 1, 0, Change::kStarted) == 0);  // one poor cycle: all over again
        CHECK(run(tracker, ms, cycles, packets, Change::kStarted) == cycles);
    }
    const TrackerOptions screen = TrackerOptions::for_layer(2, true);
    CHECK(screen.cycle == Duration::seconds(2));
    CHECK(screen.min_packets == 1);
    CHECK(screen.good_cycles == 1);
}

TEST_CASE("StreamTracker: mute stops it, reset makes the next packet count at once [IN-21]") {
    StreamTracker tracker(TrackerOptions::for_layer(2, false));
    (void)tracker.packet(at_ms(0));
    CHECK(tracker.pause() == Change::kStopped);
    CHECK(tracker.packet(at_ms(100)) == Change::kNone);
    CHECK(tracker.next_deadline().is_never());
    tracker.reset();
    CHECK(tracker.packet(at_ms(200)) == Change::kStarted);
    CHECK(tracker.handle_timeout(at_ms(5000)) == Change::kStopped);  // very late: one cycle
    CHECK(tracker.next_deadline() == at_ms(5500));
    tracker.reset();
    CHECK(tracker.packet(at_ms(5100)) == Change::kStarted);
}

TEST_CASE("BitrateMeter: cumulative over temporal layers [IN-21]") {
    BitrateMeter meter(BitrateMeter::kCameraInterval);
    CHECK_FALSE(meter.update(at_ms(0)));
    meter.packet(at_ms(0), 0, 1000);
    meter.packet(at_ms(0), 2, 500);
    CHECK_FALSE(meter.update(at_ms(999)));
    CHECK(meter.update(at_ms(1000)));
    CHECK(meter.rates() == BitrateMeter::Rates{8000, 0, 12'000, 0});
    CHECK(meter.update(at_ms(3000)));
    CHECK(meter.rates() == BitrateMeter::Rates{0, 0, 0, 0});
}

TEST_CASE("LayerFps: rates of temporal layers [IN-23] [SUB-03]") {
    LayerFps fps;
    const std::uint8_t pattern[] = {0, 2, 1, 2};
    std::int64_t timestamp = 0;
    for (int i = 0; i < 60; ++i) {
        for (int packet = 0; packet < 3; ++packet)
            fps.packet(timestamp, pattern[i % 4]);
        timestamp += 3000;
    }
    REQUIRE(fps.known());
    CHECK(fps.fps()[0] == doctest::Approx(7.5).epsilon(0.05));
    CHECK(fps.fps()[1] == doctest::Approx(15).epsilon(0.05));
    CHECK(fps.fps()[2] == doctest::Approx(30).epsilon(0.05));
    CHECK(fps.fps()[3] == fps.fps()[2]);
    CHECK(temporal_for_fps(fps.fps(), 5) == 0);
    CHECK(temporal_for_fps(fps.fps(), 15) == 1);
    CHECK(temporal_for_fps(fps.fps(), 20) == 2);
    CHECK(temporal_for_fps(fps.fps(), 60) == 3);  // none is enough
    CHECK(temporal_for_fps(fps.fps(), 0) == 3);
}

TEST_CASE("LayerFps: a long silence does not count [IN-23]") {
    LayerFps fps;
    for (int i = 0; i < 5; ++i)
        fps.packet(i * 3000, 0);
    for (int i = 0; i < 20; ++i)
        fps.packet(90'000'000 + i * 9000, 0);
    REQUIRE(fps.known());
    CHECK(fps.fps()[0] == doctest::Approx(10));
}

TEST_CASE("StreamTracker: a cycle that ends a little late keeps the beat [IN-21]") {
    StreamTracker tracker(TrackerOptions::for_layer(0, false));
    (void)tracker.packet(at_ms(0));
    (void)tracker.handle_timeout(at_ms(520));
    CHECK(tracker.next_deadline() == at_ms(1000));
    (void)tracker.handle_timeout(at_ms(1499));
    CHECK(tracker.next_deadline() == at_ms(1500));
    (void)tracker.packet(at_ms(1499));
    (void)tracker.handle_timeout(at_ms(2000));  // just when the next one is over as well
    CHECK(tracker.next_deadline() == at_ms(2500));
}

TEST_CASE("StreamTracker: each stop costs all good cycles again, mutes count nothing [IN-21]") {
    StreamTracker tracker(TrackerOptions::for_layer(0, false));
    std::int64_t ms = 0;
    CHECK(run(tracker, ms, 3, 1, Change::kStarted) == 1);
    for (int times = 0; times < 3; ++times) {
        CHECK(run(tracker, ms, 1, 0, Change::kStopped) == 0);
        CHECK(run(tracker, ms, 1, 1, Change::kStopped) == 0);  // a poor one alone is forgiven
        CHECK(run(tracker, ms, 2, 0, Change::kStopped) == 2);
        CHECK(run(tracker, ms, 4, 1, Change::kStarted) == 4);
    }
    // Packets from before a mute are none of the first cycle behind it.
    StreamTracker upper(TrackerOptions::for_layer(1, false));
    for (int i = 0; i < 4; ++i)
        (void)upper.packet(at_ms(0));
    (void)upper.pause();
    upper.reset();
    CHECK(upper.next_deadline().is_never());
    CHECK(upper.packet(at_ms(100)) == Change::kStarted);
    CHECK(upper.handle_timeout(at_ms(600)) == Change::kStopped);
    CHECK(upper.pause() == Change::kNone);  // it had stopped already
    // Wanted again, one that is paused stays so.
    upper.expect();
    CHECK(upper.packet(at_ms(700)) == Change::kNone);
}

TEST_CASE("BitrateMeter: each interval for itself, begun anew by a reset [IN-21]") {
    BitrateMeter meter(BitrateMeter::kScreenInterval);
    CHECK_FALSE(meter.update(at_ms(8000)));
    meter.packet(at_ms(9000), 9, 500);  // counts as the highest; the first interval begins here
    meter.packet(at_ms(9500), 0, 1000);
    CHECK_FALSE(meter.update(at_ms(9999)));
    CHECK(meter.update(at_ms(11'000)));  // and is short
    CHECK(meter.rates() == BitrateMeter::Rates{4000, 0, 0, 6000});
    meter.packet(at_ms(12'000), 0, 1000);
    CHECK_FALSE(meter.update(at_ms(14'999)));
    CHECK(meter.update(at_ms(16'000)));  // over 5 s
    CHECK(meter.rates() == BitrateMeter::Rates{1600, 0, 0, 0});
    meter.packet(at_ms(16'500), 0, 1000);
    meter.reset();
    CHECK(meter.rates() == BitrateMeter::Rates{});
    CHECK_FALSE(meter.update(at_ms(30'000)));
    meter.packet(at_ms(40'000), 0, 1000);
    CHECK(meter.update(at_ms(41'000)));
    CHECK(meter.rates() == BitrateMeter::Rates{8000, 0, 0, 0});
}

TEST_CASE("BitrateMeter: a still screen that begins to move is measured soon [IN-21] [BWE-04]") {
    BitrateMeter meter(BitrateMeter::kScreenInterval);
    meter.packet(at_ms(0), 0, 1000);
    CHECK(meter.update(at_ms(2000)));
    CHECK(meter.rates()[0] == 4000);
    // Twice as much is no news yet, more is; not within a second.
    meter.packet(at_ms(2100), 0, 2000);
    CHECK_FALSE(meter.update(at_ms(4000)));
    CHECK(meter.update(at_ms(6000)));
    CHECK(meter.rates()[0] == 4000);
    meter.packet(at_ms(6100), 0, 300'000);
    CHECK_FALSE(meter.update(at_ms(6999)));
    CHECK(meter.update(at_ms(8000)));
    CHECK(meter.rates()[0] == 1'200'000);
    // A silent one is not looked at, and measured from when it moves.
    meter.packet(at_ms(68'000), 0, 300'000);
    CHECK_FALSE(meter.update(at_ms(68'999)));
    CHECK(meter.update(at_ms(72'000)));
    CHECK(meter.rates()[0] == 600'000);
    // Without a byte its rate is that of its interval.
    CHECK_FALSE(meter.update(at_ms(74'000)));
    CHECK(meter.update(at_ms(76'000)));
    CHECK(meter.rates()[0] == 0);
    CHECK_FALSE(meter.update(at_ms(78'000)));
    CHECK(meter.update(at_ms(80'000)));
}

TEST_CASE("LayerFps: as many frames as the highest layer seen takes [IN-23]") {
    for (const auto& [temporal, frames] : {std::pair{0, 8}, std::pair{1, 15}, std::pair{2, 40},
                                           std::pair{3, 60}, std::pair{7, 60}}) {
        for (const bool first : {false, true}) {  // the layer comes first, or once on the way
            CAPTURE(temporal);
            LayerFps fps;
            for (int i = 0; i <= frames; ++i) {
                CHECK(fps.known() == false);
                const bool here = first ? i == 0 : i == 5;
                fps.packet(i * 3000, static_cast<std::uint8_t>(here ? temporal : 0));
            }
            CHECK(fps.known());
            CHECK(fps.fps()[3] == doctest::Approx(30));
        }
    }
}

TEST_CASE("LayerFps: five seconds without a frame count, more start over [IN-23]") {
    for (const std::int64_t gap : {450'000, 450'001}) {
        CAPTURE(gap);
        LayerFps fps;
        std::int64_t timestamp = 0;
        for (int i = 0; i < 8; ++i)  // seven intervals, one too few
            fps.packet(timestamp += 3000, 0);
        CHECK_FALSE(fps.known());
        fps.packet(timestamp += gap, 0);
        CHECK(fps.known() == (gap <= 450'000));
        for (int i = 0; i < 7; ++i)
            fps.packet(timestamp += 9000, 0);
        CHECK(fps.known() == (gap <= 450'000));
        fps.packet(timestamp += 9000, 0);
        CHECK(fps.fps()[0] == doctest::Approx(10));
        fps.packet(timestamp - 9000, 0);  // an older one is none
        fps.reset();
        CHECK_FALSE(fps.known());
    }
}

}  // namespace confab::sfu
