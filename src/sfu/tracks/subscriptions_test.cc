// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/subscriptions.h"

#include <array>

#include "sfu/congestion/bandwidth_port_testing.h"
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

// One whose link is what the test says, and a camera with pictures of 900 octets.
struct Narrow : Stage {
    explicit Narrow(bool rtx = true)
        : camera(connect()), viewer(connect(std::make_unique<test::RecordingPort>())) {
        command(video_of(*camera.peer));
        AddDownTrack track = track_to(*viewer.peer, MediaKind::kVideo, kSsrc);
        track.extensions.transport_cc = 5;
        if (!rtx) track.codecs[0].rtx_pt.reset();
        command(track);
    }
    void send(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i, ++next) {
            Bytes picture = next == 1 ? inbound_test::vp8_key() : inbound_test::vp8_delta();
            picture.resize(900);
            inbound_test::PacketSpec packet{next, next * 3000U, 96, kVideoSsrc, picture};
            packet.marker = true;
            rtp(*camera.peer, packet);
        }
        flush();
    }
    test::RecordingPort& port() {
        return dynamic_cast<test::RecordingPort&>(viewer.peer->downlink().bandwidth());
    }
    // Before its first report a subscriber may not know the stream.
    void report() {
        wire::ReportBlock block;
        block.ssrc = kSsrc;
        (void)viewer.peer->downlink().tracks().at(0)->down_track.handle_report(block, now());
    }
    // A round of a probe is due.
    void probe(std::size_t bytes) {
        port().probe_wanted = bytes;
        subscriptions.allocate(now(), *viewer.peer);
        flush();
    }
    std::size_t got() const { return viewer.sequences(kSsrc).size(); }
    // What left for probes: packets and their octets.
    std::pair<std::size_t, std::size_t> probes() {
        std::pair<std::size_t, std::size_t> all;
        for (const SentPacket& packet : port().sent)
            if (packet.probe == port().probe_cluster()) ++all.first, all.second += packet.bytes;
        return all;
    }
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

TEST_CASE("Subscriptions: a probe's round is whole packets, and its pace hears of them [BWE-11]") {
    Narrow call;
    call.send(3);
    call.report();
    call.probe(500);
    REQUIRE(call.port().probed.size() == 1);
    CHECK(call.port().probed[0] > 900);
    CHECK(call.port().probed[0] < 1'000);
    call.probe(2'000);
    REQUIRE(call.port().probed.size() == 2);
    CHECK(call.port().probed[1] > 2'700);
    CHECK(call.probes().first == 4);
    // Datagrams have their encryption beside it.
    CHECK(call.probes().second > call.port().probed[0] + call.port().probed[1]);
    CHECK(call.viewer.sequences(kSsrc + 1).size() == 4);
    // What is sent next is of no probe.
    call.send(1);
    CHECK(call.port().sent.back().probe == 0);
}

TEST_CASE("Subscriptions: a round is as large as asked for, of few packets, too [BWE-11]") {
    Narrow call;
    call.send(8);
    call.report();
    call.probe(20'000);  // of six packets
    REQUIRE(call.port().probed.size() == 1);
    CHECK(call.port().probed[0] >= 20'000);
    CHECK(call.port().probed[0] < 21'000);
    // What is asked for without measure is not.
    call.probe(1'000'000);
    CHECK(call.port().probed[1] < 60'000);
}

TEST_CASE(
    "Subscriptions: without RTX a probe is padding, and nothing where there is none [FWD-14]") {
    Narrow call(false);
    call.send(3);
    call.probe(500);
    CHECK(call.port().probed == std::vector<std::size_t>{0});
    call.report();
    call.probe(500);
    REQUIRE(call.port().probed.size() == 2);
    CHECK(call.port().probed[1] >= 500);
    CHECK(call.probes().first == 2);
    CHECK(call.got() == 5);
}

TEST_CASE("Subscriptions: who is not connected is sent no probe, and loses no number [FWD-14]") {
    for (const bool rtx : {true, false}) {
        CAPTURE(rtx);
        Narrow call(rtx);
        call.send(3);
        call.report();
        ShardPeer& peer = *call.viewer.peer;
        // Nothing of it comes any more.
        for (std::int64_t ms = 1'000; ms < 60'000 && peer.transport().connected(); ms += 100) {
            peer.transport().handle_timeout(test::world_time(ms));
            while (peer.transport().poll_transmit()) {
            }
        }
        REQUIRE_FALSE(peer.transport().connected());
        call.port().probe_wanted = 2'000;
        call.subscriptions.allocate(call.now(), peer);
        CHECK(call.port().probed == std::vector<std::size_t>{0});
        CHECK(peer.counters().dropped_unconnected == 0);
        CHECK(peer.downlink().tracks().at(0)->down_track.stats().probe_copies == 0);
    }
}

TEST_CASE("Subscriptions: no copy goes before the picture it is of [PAC-01] [BWE-11]") {
    Narrow call;
    call.send(1);
    call.report();
    call.port().pacing = 80'000;  // 10 octets in a millisecond
    call.send(4);
    REQUIRE(call.viewer.peer->downlink().waits());
    call.probe(500);
    CHECK(call.port().probed == std::vector<std::size_t>{0});
    CHECK(call.probes().first == 0);
    call.run(1'000);
    REQUIRE_FALSE(call.viewer.peer->downlink().waits());
    call.probe(500);
    CHECK(call.probes().first == 1);
}

TEST_CASE("Subscriptions: what ends waits for the pacer's pictures and its own end [FWD-15]") {
    Narrow call;
    call.send(1);
    call.port().pacing = 80'000;
    call.send(6);
    call.command(RemoveDownTrack{kTrack, true});
    call.run(200);
    // All that it had to say is said, and stands behind the pictures.
    CHECK(call.got() < 7);
    CHECK(call.subscriptions.size() == 1);
    call.run(2'000);
    CHECK(call.got() == 7 + DownTrack::kCloseVideoFrames);
    CHECK(call.subscriptions.size() == 0);
}

TEST_CASE("Subscriptions: a packet that is not kept any more is not sent again [FWD-11]") {
    Call call;
    call.send(3);
    std::array<ResendPacket, 2> packets;
    packets[0].packet.ssrc = packets[1].packet.ssrc = kSsrc;
    packets[0].source_sequence = 1'000'000;
    packets[1].source_sequence = 2'000'000;
    DownTrackStats stats;
    packets[0].counts = packets[1].counts = &stats;
    CHECK(call.subscriptions.resend(call.outbound(), packets) == 0);
    call.flush();
    CHECK(call.got() == 3);
    // It made nothing good.
    CHECK(stats.resent == 0);
}

TEST_CASE(
    "Subscriptions: a copy that has no place takes no number and counts for nothing [CQ-01]") {
    Narrow call;
    call.send(3);
    call.report();
    OutboundTrack& outbound = *call.viewer.peer->downlink().tracks().at(0);
    const DownTrackStats& stats = outbound.down_track.stats();
    const auto resend = [&] {
        auto copy = outbound.down_track.probe_packet(0);
        REQUIRE(copy);
        copy->probe = false;
        return call.subscriptions.resend(outbound, std::span(&*copy, 1));
    };
    std::size_t taken = 0;
    while (taken <= Downlink::kMaxPending && resend() > 0)
        ++taken;
    CHECK(taken == Downlink::kMaxPending);
    CHECK(stats.resent == taken);
    CHECK(stats.repairs == taken);
    CHECK(call.viewer.peer->counters().dropped_full == 1);
    call.flush();
    CHECK(resend() > 0);
    call.flush();
    // The numbers of those that left have no hole.
    const auto numbers = call.viewer.sequences(kSsrc + 1);
    REQUIRE(numbers.size() == taken + 1);
    for (std::size_t i = 1; i < numbers.size(); ++i)
        REQUIRE(numbers[i] == static_cast<std::uint16_t>(numbers[i - 1] + 1));
}

}  // namespace
}  // namespace confab::sfu
