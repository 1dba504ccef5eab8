// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/fan_out.h"

#include "sfu/tracks/stage_testing.h"

namespace confab::sfu {
namespace {

using test::Seat;
using test::Stage;

// A camera and one who looks on.
struct Call : Stage {
    Call() : publisher(*connect().peer), seat(connect()), subscriber(*seat.peer) {
        command(video_of(publisher));
    }
    void look_on(std::uint32_t ssrc) { command(track_to(subscriber, MediaKind::kVideo, ssrc)); }
    void send(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i, ++next)
            video(publisher, next, next == 1);
    }
    ShardPeer& publisher;
    Seat& seat;
    ShardPeer& subscriber;
    std::uint16_t next = 1;
};

TEST_CASE("FanOut: packets wait for the end of the turn, kMaxArrived of a track at most [DES-44]") {
    Call call;
    call.look_on(500);
    call.send(FanOut::kMaxArrived - 1);
    CHECK(call.track(Stage::kVideo).arrived().size() == FanOut::kMaxArrived - 1);
    CHECK(call.fan_out.forwarded() == 0);
    call.send(1);
    CHECK(call.track(Stage::kVideo).arrived().empty());
    CHECK(call.fan_out.forwarded() == FanOut::kMaxArrived);
    call.send(1);
    CHECK(call.track(Stage::kVideo).arrived().size() == 1);
    call.flush();
    const auto got = call.seat.sequences(500);
    REQUIRE(got.size() == FanOut::kMaxArrived + 1);
    for (std::size_t i = 1; i < got.size(); ++i)
        CHECK(got[i] == static_cast<std::uint16_t>(got[0] + i));
}

TEST_CASE("FanOut: nothing is kept of a track that nobody looks at [DES-33]") {
    Call call;
    const std::size_t before = call.pool.large_in_use() + call.pool.small_in_use();
    call.send(100);
    CHECK(call.track(Stage::kVideo).arrived().empty());
    CHECK(call.pool.large_in_use() + call.pool.small_in_use() == before);
    call.fan_out.deliver(call.now());
    CHECK(call.fan_out.forwarded() == 0);
}

TEST_CASE("FanOut: each subscriber gets all packets of a turn, whatever their number [DES-44]") {
    // Decisions are copied in blocks: block sizes and what lies between them.
    for (const std::size_t subscribers : {1U, 3U, 9U, 10U, 11U, 21U}) {
        Call call;
        for (std::uint32_t i = 0; i < subscribers; ++i)
            call.look_on(500 + 2 * i);
        call.send(3);
        call.flush();
        for (std::uint32_t i = 0; i < subscribers; ++i)
            CHECK(call.seat.sequences(500 + 2 * i).size() == 3);
        CHECK(call.seat.rtp.size() == 3 * subscribers);
    }
}

TEST_CASE("FanOut: a stream does not start before its packets can be sent [FWD-16]") {
    Call call;
    ShardPeer& late = call.expect(PeerId(77));
    call.command(Stage::track_to(late, MediaKind::kVideo, 700));
    call.look_on(500);
    call.send(5);
    call.flush();
    CHECK(call.seat.sequences(500).size() == 5);
    REQUIRE(late.downlink().tracks().size() == 1);
    CHECK_FALSE(late.downlink().tracks()[0]->down_track.started());
    CHECK(late.counters().dropped_unconnected == 0);
}

TEST_CASE("FanOut: packets count as forwarded when there is somebody they could be sent to") {
    Call call;
    ShardPeer& late = call.expect(PeerId(77));
    call.command(Stage::track_to(late, MediaKind::kVideo, 700));
    call.send(5);
    call.flush();
    CHECK(call.fan_out.forwarded() == 0);
    call.look_on(500);
    call.send(5);
    call.flush();
    CHECK(call.fan_out.forwarded() == 5);
}

TEST_CASE("FanOut: the first packet tells that the stream flows, a later one does not [BWE-09]") {
    Call call;
    call.look_on(500);
    CHECK(call.take_events<StreamStateChanged>().empty());
    call.send(3);
    call.flush();
    const auto told = call.take_events<StreamStateChanged>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].down_track == DownTrackId(500));
    CHECK(told[0].state == StreamState::kActive);
    call.send(3);
    call.flush();
    CHECK(call.take_events<StreamStateChanged>().empty());
}

TEST_CASE("FanOut: who can not start with what comes asks for a key frame [FWD-13] [IN-08]") {
    Stage stage;
    Seat& seat = stage.connect();
    stage.command(Stage::track_to(*seat.peer, MediaKind::kVideo, 500, Stage::kOther));
    stage.linked(LinkSource{Stage::kVideo, stage.video_source()});
    (void)stage.kept.take<LinkKeyFrame>(Stage::kOther);
    const auto asked_with = [&](std::uint16_t sequence, bool key) {
        stage.now_ms += 2'000;
        stage.linked_video(sequence, key);
        stage.fan_out.deliver(stage.now());
        return stage.kept.take<LinkKeyFrame>(Stage::kOther).size();
    };
    CHECK(asked_with(2, false) == 1);
    CHECK(asked_with(3, true) == 0);
    CHECK(asked_with(4, false) == 0);
    stage.flush();
    CHECK(seat.sequences(500).size() == 2);
}

TEST_CASE("FanOut: a codec that a subscriber does not take is told once [IN-09]") {
    Stage stage;
    Seat& seat = stage.connect();
    stage.command(Stage::track_to(*seat.peer, MediaKind::kVideo, 500, Stage::kOther));
    stage.linked(LinkSource{Stage::kVideo, stage.video_source()});
    stage.linked_video(1, true);
    stage.flush();
    CHECK(stage.take_events<CodecUnsupported>().empty());
    for (std::uint16_t i = 2; i < 8; ++i) {  // the publisher changes over
        stage.linked_video(i, false);
        stage.track(Stage::kVideo).arrived().back().media.codec = Codec::kH264;
    }
    stage.flush();
    const auto told = stage.take_events<CodecUnsupported>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].down_track == DownTrackId(500));
    CHECK(seat.rtp.size() == 1);
}

}  // namespace
}  // namespace confab::sfu
