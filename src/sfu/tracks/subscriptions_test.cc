// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/subscriptions.h"

#include <array>

#include "sfu/tracks/stage_testing.h"

namespace confab::sfu {
namespace {

using test::Seat;
using test::Stage;

constexpr std::uint32_t kSsrc = 500;
const DownTrackId kTrack(kSsrc);

// A camera, and one who looks on.
struct Call : Stage {
    Call() : camera(connect()), viewer(connect()) {
        command(video_of(*camera.peer));
        command(track_to(*viewer.peer, MediaKind::kVideo, kSsrc));
    }
    void send(std::size_t count = 1) {
        for (std::size_t i = 0; i < count; ++i, ++next)
            video(*camera.peer, next, next == 1);
        flush();
    }
    OutboundTrack& outbound() { return *viewer.peer->downlink().tracks().at(0); }
    std::size_t got() const { return viewer.sequences(kSsrc).size(); }
    Seat& camera;
    Seat& viewer;
    std::uint16_t next = 1;
};

TEST_CASE("Subscriptions: one that is there already, or for nobody, is not made [DES-10]") {
    Call call;
    call.command(Stage::track_to(*call.viewer.peer, MediaKind::kVideo, kSsrc));
    AddDownTrack nobody = Stage::track_to(*call.viewer.peer, MediaKind::kVideo, 900);
    nobody.peer = PeerId(99);
    nobody.receiver = ReceiverId(99);
    call.command(nobody);
    CHECK(call.subscriptions.size() == 1);
    CHECK(call.viewer.peer->downlink().tracks().size() == 1);
    CHECK(call.track(Stage::kVideo).subscribers().size() == 1);
    CHECK(call.tracks.size() == 1);
}

TEST_CASE("Subscriptions: commands for what is gone change nothing [DES-10]") {
    Call call;
    const DownTrackId gone(77);
    call.command(UpdateDownTrack{gone, {}});
    call.command(SwitchDownTrack{gone, ReceiverId(5), Stage::kOther});
    call.command(RemoveDownTrack{gone, true});
    call.command(SetBandwidthLimit{PeerId(99), 1'000});
    CHECK(call.subscriptions.size() == 1);
    CHECK(call.tracks.size() == 1);
    CHECK(call.kept.sent.empty());
}

TEST_CASE("Subscriptions: a track that nobody published lives as long as its subscriber [DES-40]") {
    Stage stage;
    Seat& seat = stage.connect();
    stage.command(Stage::track_to(*seat.peer, MediaKind::kVideo, kSsrc));
    CHECK(stage.tracks.size() == 1);
    stage.command(RemoveDownTrack{kTrack, true});  // nothing was sent, so nothing is to be cleared
    stage.run(2 * ShardPeer::kTick.ms());
    CHECK(stage.subscriptions.size() == 0);
    CHECK(stage.tracks.size() == 0);
    CHECK(seat.peer->downlink().tracks().empty());
}

TEST_CASE("Subscriptions: an end without blank frames is one at once, whatever comes [FWD-15]") {
    Call call;
    call.send(3);
    call.command(RemoveDownTrack{kTrack, false});
    CHECK(call.subscriptions.size() == 0);
    CHECK(call.track(Stage::kVideo).subscribers().empty());
    call.send(3);
    CHECK(call.got() == 3);
    call.command(RemoveDownTrack{kTrack, true});  // twice does no harm
    CHECK(call.subscriptions.size() == 0);
}

TEST_CASE("Subscriptions: one that ends sends its blank frames, no packets, and goes [FWD-15]") {
    Call call;
    call.send(3);
    call.command(RemoveDownTrack{kTrack, true});
    CHECK(call.subscriptions.size() == 1);
    const std::size_t before = call.got();
    call.send(5);
    CHECK(call.got() == before + 2);  // the end of the open frame and the first blank one
    call.command(RemoveDownTrack{kTrack, true});  // does not begin anew
    call.run(500);
    CHECK(call.got() == before + 1 + DownTrack::kCloseVideoFrames);
    CHECK(call.subscriptions.size() == 0);
    CHECK(call.track(Stage::kVideo).subscribers().empty());
}

TEST_CASE("Subscriptions: all of a peer go at once, with their tracks and timers [IMM-15]") {
    Call call;
    call.command(Stage::track_to(*call.viewer.peer, MediaKind::kAudio, 600, Stage::kOther));
    call.send(3);
    call.command(RemoveDownTrack{kTrack, true});  // in the middle of its end
    call.video(*call.camera.peer, call.next++);
    call.fan_out.deliver(call.now());
    call.subscriptions.remove_all(call.now(), *call.viewer.peer);
    CHECK(call.subscriptions.size() == 0);
    CHECK(call.viewer.peer->downlink().tracks().empty());
    CHECK(call.tracks.size() == 1);  // the camera's
    const auto told = call.kept.take<LinkSubscribe>(Stage::kOther);
    REQUIRE(told.size() == 2);
    CHECK_FALSE(told[1].subscribed);
    const std::uint64_t visited = call.subscriptions.down_tracks_visited();
    const std::size_t before = call.got();
    call.run(1'000);
    CHECK(call.subscriptions.down_tracks_visited() == visited);
    CHECK(call.got() == before);
    CHECK(call.pool.large_in_use() + call.pool.small_in_use() == 0);
}

TEST_CASE("Subscriptions: a switch leaves the old track, the numbers go on [DYN-05]") {
    Call call;
    call.send(3);
    SwitchDownTrack to{kTrack, ReceiverId(2000), Stage::kSelf};
    AddReceiver other = Stage::video_of(*call.camera.peer);
    other.receiver = to.receiver;
    other.mid = "7";
    other.layers[0].ssrc = Ssrc(0xEE);
    call.command(other);
    call.command(to);
    CHECK(call.track(Stage::kVideo).subscribers().empty());
    CHECK(call.track(to.receiver).subscribers().size() == 1);
    CHECK(call.outbound().track == &call.track(to.receiver));
    call.send(3);  // of the old one
    CHECK(call.got() == 3);
    call.rtp(*call.camera.peer, {9'000, 77, 96, 0xEE, inbound_test::vp8_key()});
    call.flush();
    const auto got = call.viewer.sequences(kSsrc);
    REQUIRE(got.size() == 4);
    CHECK(got[3] == static_cast<std::uint16_t>(got[2] + 1));
    // Once more to where it is: nothing.
    call.command(to);
    call.rtp(*call.camera.peer, {9'001, 3'077, 96, 0xEE, inbound_test::vp8_delta()});
    call.flush();
    CHECK(call.got() == 5);
}

TEST_CASE("Subscriptions: a track left behind by a switch goes, its home hears of it [DYN-05]") {
    Stage stage;
    Seat& seat = stage.connect();
    stage.command(Stage::track_to(*seat.peer, MediaKind::kVideo, kSsrc, Stage::kOther));
    CHECK(stage.kept.take<LinkSubscribe>(Stage::kOther).size() == 1);
    stage.command(SwitchDownTrack{kTrack, ReceiverId(2000), 2});
    CHECK(stage.tracks.find(Stage::kVideo) == nullptr);
    const auto ended = stage.kept.take<LinkSubscribe>(Stage::kOther);
    REQUIRE(ended.size() == 1);
    CHECK_FALSE(ended[0].subscribed);
    const auto begun = stage.kept.take<LinkSubscribe>(2);
    REQUIRE(begun.size() == 1);
    CHECK(begun[0].subscribed);
    CHECK(begun[0].receiver == ReceiverId(2000));
}

TEST_CASE("Subscriptions: who is not connected asks for nothing and is not looked at [FWD-16]") {
    Stage stage;
    Seat& camera = stage.connect();
    ShardPeer& late = stage.expect(PeerId(77));
    stage.command(Stage::video_of(*camera.peer));
    stage.command(Stage::track_to(late, MediaKind::kVideo, kSsrc));
    for (std::uint16_t i = 1; i < 100; ++i) {
        stage.video(*camera.peer, i);
        stage.run(20);
    }
    const OutboundTrack& outbound = *late.downlink().tracks().at(0);
    CHECK(outbound.down_track.needs_key_frame());
    CHECK_FALSE(outbound.timer.scheduled());
    CHECK(stage.subscriptions.down_tracks_visited() == 0);
}

TEST_CASE("Subscriptions: without its first key frame it asks again and again [FWD-13] [IN-08]") {
    Call call;
    for (std::uint16_t i = 5; i < 37; ++i) {
        call.video(*call.camera.peer, i);
        call.run(100);
    }
    CHECK(call.subscriptions.down_tracks_visited() >= 2);
    const std::size_t asked = Stage::plis_to(call.camera);
    CHECK(asked >= 2);
    call.next = 37;
    call.rtp(*call.camera.peer, {37, 111'000, 96, Stage::kVideoSsrc, inbound_test::vp8_key()});
    call.run(3'000);
    CHECK(call.got() == 1);
    CHECK(Stage::plis_to(call.camera) == asked);
    CHECK_FALSE(call.outbound().timer.scheduled());
}

TEST_CASE("Subscriptions: who comes begins with the last frames, unless they were muted [IN-21]") {
    for (const bool muted : {false, true}) {
        CAPTURE(muted);
        Call call;
        call.send(3);
        if (muted) {
            call.command(MuteReceiver{Stage::kVideo, true});
            call.command(MuteReceiver{Stage::kVideo, false});
        }
        call.send(1);
        const Seat& late = call.connect();
        call.command(Stage::track_to(*late.peer, MediaKind::kVideo, 900));
        call.flush();
        CHECK(late.sequences(900).size() == (muted ? 0 : 4));
    }
}

TEST_CASE("Subscriptions: behind an outage pictures go on with a key frame [SIG-145] [IN-08]") {
    Call call;
    call.send(3);
    call.run(2'000);
    const std::size_t before = Stage::plis_to(call.camera);
    call.subscriptions.reconnected(call.now(), *call.viewer.peer);
    call.flush();
    CHECK(Stage::plis_to(call.camera) == before + 1);
}

TEST_CASE("Subscriptions: a packet that is not kept any more is not sent again [FWD-11]") {
    Call call;
    call.send(3);
    std::array<ResendPacket, 2> packets;
    packets[0].packet.ssrc = packets[1].packet.ssrc = kSsrc;
    packets[0].source_sequence = 1'000'000;
    packets[1].source_sequence = 2'000'000;
    CHECK(call.subscriptions.resend(call.outbound(), packets) == 0);
    call.flush();
    CHECK(call.got() == 3);
}

}  // namespace
}  // namespace confab::sfu
