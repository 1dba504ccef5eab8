// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What settings, bandwidth and sources do to a subscription (02 SUB-01, SUB-03, FWD-13, BWE-09,
// DYN-05).
#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"
#include "sfu/forward/leg_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::Leg;
using test::pass;

}  // namespace

TEST_CASE_HANDED_OVER(
    "DownTrack: while disabled the layer stays as it was asked for last [SUB-01]") {
    Leg leg(Codec::kVp8, 2);
    leg.change(0, [](DownTrackSettings& s) { s.max_spatial = 1; });
    leg.change(1, [](DownTrackSettings& s) {
        s.enabled = false;
        s.max_spatial = 0;
        s.priority = 9;
    });
    CHECK_FALSE(leg.track.settings().enabled);
    CHECK(leg.track.settings().max_spatial == 1);
    CHECK(leg.track.settings().priority == 9);
    leg.enable(2, true);
    CHECK(leg.track.demand().max.spatial == 1);
    leg.change(3, [](DownTrackSettings& s) { s.max_spatial = 0; });
    CHECK(leg.track.demand().max.spatial == 0);
}

TEST_CASE_HANDED_OVER(
    "DownTrack: a wished rate takes no more temporal layers than it needs [SUB-03]") {
    struct Row {
        std::uint32_t max_fps;
        std::uint8_t max_temporal;
        std::uint8_t available;
        std::int8_t temporal;
    };
    for (const Row& row :
         {Row{0, 3, 0b111, 3}, Row{5, 3, 0b111, 0}, Row{15, 3, 0b111, 1}, Row{16, 3, 0b111, 1},
          Row{17, 3, 0b111, 2}, Row{60, 3, 0b111, 3}, Row{30, 1, 0b111, 1},
          // As the layer is measured that can be had: the lowest one has 10 frames in all.
          Row{15, 3, 0b001, 3}, Row{8, 3, 0b001, 2}, Row{8, 3, 0, 2}}) {
        CAPTURE(row.max_fps);
        CAPTURE(row.available);
        Leg leg(Codec::kVp8, 2);
        leg.source.fps[0] = {2.5F, 5, 10, 10};
        leg.source.fps[2] = {7.5F, 15, 30, 30};
        leg.source.available = row.available;
        leg.change(0, [&](DownTrackSettings& s) {
            s.max_fps = row.max_fps;
            s.max_temporal = row.max_temporal;
        });
        CHECK(leg.track.demand().max.temporal == row.temporal);
        leg.track.source_changed(at_ms(1));
        CHECK(leg.track.layers().target.temporal == row.temporal);
    }
}

TEST_CASE_HANDED_OVER("DownTrack: wishes beyond the layers there are end at the highest [SUB-01]") {
    Leg leg(Codec::kVp8, 2);
    leg.change(0, [](DownTrackSettings& s) { s.max_spatial = s.max_temporal = 3; });
    CHECK(leg.track.demand().max == Layer{2, 3});
}

// ------------------------------------------------------------------ key frames and pauses

TEST_CASE_HANDED_OVER(
    "DownTrack: another layer is asked for at once, the same one after a while [FWD-13]") {
    Leg leg(Codec::kVp8, 2);
    CHECK(leg.track.poll_key_frame_request(at_ms(0)) == 2);
    leg.track.source_changed(at_ms(50));  // nothing new
    CHECK_FALSE(leg.track.poll_key_frame_request(at_ms(50)));
    leg.change(60, [](DownTrackSettings& s) { s.max_spatial = 1; });
    CHECK(leg.track.poll_key_frame_request(at_ms(60)) == 1);
    leg.mute(70, true);
    CHECK_FALSE(leg.track.poll_key_frame_request(at_ms(1000)));
    CHECK(leg.track.next_deadline().is_never());
    CHECK_FALSE(leg.track.handle_pli(at_ms(1000)));
    leg.mute(1010, false);
    CHECK(leg.track.poll_key_frame_request(at_ms(1010)) == 1);
    // A PLI that went on counts as a request.
    CHECK(leg.track.handle_pli(at_ms(1100)) == 1);
    CHECK_FALSE(leg.track.poll_key_frame_request(at_ms(1299)));
    CHECK(leg.track.poll_key_frame_request(at_ms(1300)) == 1);
}

TEST_CASE_HANDED_OVER(
    "DownTrack: what this picture may still bring is not asked for yet [FWD-13] [IN-26]") {
    for (const bool svc : {false, true}) {
        CAPTURE(svc);
        SourceState source = test::source_of(Codec::kVp9);
        if (svc) source.mode = LayerMode::kMultipleSpatialLayersPerStream;
        source.available = 1;
        Leg leg(test::subscription(Codec::kVp9), source);
        REQUIRE(leg.send(0, 0, true));
        CHECK_FALSE(leg.track.poll_key_frame_request(at_ms(5000)));
        leg.source.available = 3;
        leg.track.source_changed(at_ms(6000));
        const std::int64_t wait = svc ? DownTrack::kPictureSpread.ms() : 0;
        CHECK(leg.track.next_deadline() == at_ms(6000 + wait));
        if (svc) CHECK_FALSE(leg.track.poll_key_frame_request(at_ms(6000 + wait - 1)));
        CHECK(leg.track.poll_key_frame_request(at_ms(6000 + wait)) == 1);
        // One that is lost has no picture to wait for.
        leg.source.available = 1;
        leg.track.source_changed(at_ms(6010));
        CHECK_FALSE(leg.track.poll_key_frame_request(at_ms(9000)));
    }
}

TEST_CASE_HANDED_OVER(
    "DownTrack: a pause for bandwidth is told once, its end with a packet [BWE-09]") {
    Leg leg(Codec::kVp8, 2);
    CHECK_FALSE(leg.track.poll_event());
    REQUIRE(leg.send(0, 0, true));
    REQUIRE(leg.send(33));
    CHECK(leg.track.poll_event() == StreamState::kActive);
    CHECK_FALSE(leg.track.poll_event());
    for (int i = 0; i < 3; ++i) {
        leg.track.set_bandwidth(kNoLayer, true, at_ms(50));
        leg.track.source_changed(at_ms(60));
    }
    CHECK(leg.track.poll_event() == StreamState::kPaused);
    CHECK_FALSE(leg.track.poll_event());
    CHECK(leg.track.layers().pause == PauseReason::kBandwidth);
    // A mute is its own reason, and the pause is told again behind it.
    leg.enable(70, false);
    CHECK(leg.track.layers().pause == PauseReason::kMuted);
    leg.enable(80, true);
    CHECK(leg.track.poll_event() == StreamState::kPaused);
    leg.track.set_bandwidth(kTopLayer, false, at_ms(90));
    CHECK_FALSE(leg.track.poll_event());
    REQUIRE(leg.send(100, 3000, true));
    CHECK(leg.track.poll_event() == StreamState::kActive);
}

TEST_CASE_HANDED_OVER(
    "DownTrack: a layer above the wish is left with the next lower one [FWD-05] [BWE-01]") {
    Leg leg(Codec::kVp8, 2);
    leg.source.mode = LayerMode::kOneSpatialLayerPerStreamIncompleteRtcpSr;
    leg.source.available = 4;
    leg.change(0, [](DownTrackSettings& s) { s.max_spatial = 0; });
    REQUIRE(leg.send(0, 0, true));  // rather too large than no picture
    CHECK(leg.track.layers().current.spatial == 2);
    test::Stream low(Codec::kVp8, 0, 900, 900);
    leg.source.available = 5;  // not told yet
    REQUIRE(pass(leg.track, low.next(0, true), at_ms(100)));
    CHECK(leg.track.layers().current.spatial == 0);
    CHECK_FALSE(leg.send(133, 3000, true));
}

// ------------------------------------------------------------------ another source

TEST_CASE("DownTrack: nothing of another receiver stays behind [DYN-05] [FWD-11]") {
    Leg leg(Codec::kVp8, 2);
    leg.source.add_report(2, {NtpTime(std::uint64_t{100} << 32), 0x1'0000'0000, at_ms(0)});
    const auto before = leg.send(0, 0, true);
    REQUIRE(before);
    SourceState other = test::source_of(Codec::kVp8);
    leg.track.switch_source(other, at_ms(100));
    CHECK(&leg.track.source() == &other);
    CHECK(leg.nack(before->sequence, 500).empty());  // its history is not here
    CHECK_FALSE(leg.track.sender_report(at_ms(500)));
    leg.mute(600, true);  // the first one is none of its business
    const auto after = leg.send(600, 0, true);
    REQUIRE(after);
    CHECK(after->sequence == before->sequence + 1);
    CHECK(leg.nack(after->sequence, 900).size() == 1);
    CHECK(leg.nack(before->sequence, 900).empty());
}

TEST_CASE(
    "DownTrack: layers and pauses behind another receiver go by its clock [DYN-05] [FWD-02]") {
    Leg leg(Codec::kVp8, 2);
    REQUIRE(leg.send(0, 0, true));
    SourceState other = test::source_of(Codec::kVp8);
    const NtpTime ntp(std::uint64_t{100} << 32);
    other.add_report(0, {ntp, 50'000, at_ms(0)});
    other.add_report(1, {ntp, 70'000, at_ms(0)});
    leg.track.switch_source(other, at_ms(100));
    test::Stream middle(Codec::kVp8, 1, 700, 70'000 + 9000);
    test::Stream low(Codec::kVp8, 0, 900, 50'000 + 12'000);
    const auto first = pass(leg.track, middle.next(0, true), at_ms(1000));
    REQUIRE(first);
    CHECK(first->timestamp == 90'000);
    leg.change(1010, [](DownTrackSettings& s) { s.max_spatial = 0; });
    const auto down = pass(leg.track, low.next(0, true), at_ms(1040));
    REQUIRE(down);
    CHECK(down->timestamp == 90'000 + 3000);
    // A pause: time goes by the layer's own clock again, not by ours.
    leg.enable(1050, false);
    leg.enable(1400, true);
    const auto resumed = pass(leg.track, low.next(9000, true), at_ms(1400));
    REQUIRE(resumed);
    CHECK(resumed->timestamp == 90'000 + 12'000);
}

TEST_CASE("DownTrack: tells what it was made for") {
    AddDownTrack config = test::subscription(Codec::kVp8);
    config.down_track = DownTrackId(77);
    config.source = MediaSource::kScreenShare;
    config.screen_share = true;
    const Leg leg(config, Codec::kVp8, 2);
    CHECK(leg.track.info().id == DownTrackId(77));
    CHECK(leg.track.info().kind == MediaKind::kVideo);
    CHECK(leg.track.info().source == MediaSource::kScreenShare);
    CHECK(leg.track.info().screen_share);
    CHECK(leg.track.info().ssrc == 0x1111);
    CHECK(leg.track.info().rtx_ssrc == 0x2222);
    CHECK_FALSE(leg.track.started());
    const Leg plain(test::subscription(Codec::kOpus, 111), Codec::kOpus);
    CHECK_FALSE(plain.track.info().screen_share);
}

}  // namespace confab::sfu
