// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/replicas.h"

#include "sfu/tracks/stage_testing.h"

namespace confab::sfu {
namespace {

using test::Seat;
using test::Stage;

constexpr WorkerIndex kOther = Stage::kOther;

// ---------------------------------------------------------------- at home

// A camera of two layers here, subscribers on other workers.
struct Home : Stage {
    Home() : seat(connect()) {
        AddReceiver add = video_of(*seat.peer);
        add.layers = {{"q", 0, Ssrc(10), std::nullopt, 320, 180},
                      {"h", 1, Ssrc(11), std::nullopt, 640, 360}};
        command(add);
    }
    void subscribe(WorkerIndex worker, std::int8_t spatial, bool subscribed = true) {
        fan_out.deliver(now());
        replicas.handle(now(),
                        {worker, LinkSubscribe{kVideo, MediaKind::kVideo, subscribed, spatial}});
    }
    void send(std::uint32_t ssrc) {
        const std::uint16_t sequence = ++last[ssrc & 1];
        rtp(*seat.peer, {sequence, sequence * 3000U, 96, ssrc, inbound_test::vp8_key()});
    }
    std::size_t crossed(WorkerIndex worker) { return kept.take<LinkPacket>(worker).size(); }
    Seat& seat;
    std::uint16_t last[2] = {0, 0};
};

TEST_CASE("Replicas: each worker gets the streams it wants, and the least there is [DES-43]") {
    Home home;
    home.subscribe(1, 0);
    home.subscribe(2, 1);
    home.send(11);  // alone so far, so the least
    CHECK(home.crossed(1) == 1);
    CHECK(home.crossed(2) == 1);
    home.send(10);
    home.send(11);
    CHECK(home.crossed(1) == 1);
    CHECK(home.crossed(2) == 2);
    home.subscribe(2, -1);
    home.send(10);
    home.send(11);
    CHECK(home.crossed(1) == 1);
    CHECK(home.crossed(2) == 0);
}

TEST_CASE("Replicas: a packet crosses with where its parts are in its bytes [DES-41]") {
    Home home;
    home.subscribe(1, 1);
    home.send(10);
    REQUIRE(home.kept.sent.size() >= 1);
    const auto& sent = home.kept.sent.back();
    const auto& packet = std::get<LinkPacket>(sent.message.body);
    CHECK(packet.packet.payload.empty());
    CHECK(to_vector(BytesView(sent.bytes).subspan(packet.payload_offset, packet.payload_size)) ==
          inbound_test::vp8_key());
    CHECK(packet.dd_size == 0);
}

TEST_CASE("Replicas: once packets pass again the layers with gaps need a key frame [DES-41]") {
    Home home;
    home.subscribe(1, 1);
    home.subscribe(2, 1);
    home.send(10);
    home.send(11);
    home.flush();
    home.seat.rtcp.clear();
    home.now_ms += 5'000;
    home.kept.full = true;
    home.send(11);
    home.flush();
    CHECK(Stage::plis_to(home.seat) == 0);  // it could not cross either
    home.kept.full = false;
    home.send(10);
    home.send(10);
    home.flush();
    CHECK(Stage::plis_to(home.seat) == 1);  // for both workers, and of the layer with the gap
    wire::RtcpReader reader(home.seat.rtcp.back());
    std::uint32_t asked = 0;
    while (const auto block = reader.next())
        if (const auto pli = wire::parse_pli(*block)) asked = pli->media_ssrc;
    CHECK(asked == 11);
    home.now_ms += 5'000;
    home.send(11);
    home.flush();
    CHECK(Stage::plis_to(home.seat) == 1);  // once
}

TEST_CASE("Replicas: audio with a gap asks for nothing [DES-41]") {
    Home home;
    home.command(Stage::audio_of(*home.seat.peer));
    home.replicas.handle(home.now(), {1, LinkSubscribe{Stage::kAudio, MediaKind::kAudio, true, 0}});
    home.kept.full = true;
    home.audio(*home.seat.peer, 1);
    home.kept.full = false;
    home.audio(*home.seat.peer, 2);
    CHECK(home.crossed(1) == 1);
    CHECK(home.seat.peer->uplink().next_deadline().is_never());
}

TEST_CASE("Replicas: who subscribes is told of the source, also who is known [DES-40] [DES-41]") {
    Home home;
    home.subscribe(1, 0);
    CHECK(home.kept.take<LinkSource>(1).size() == 1);
    home.subscribe(1, 0);
    const auto told = home.kept.take<LinkSource>(1);
    REQUIRE(told.size() == 1);
    CHECK(told[0].state.codec == Codec::kVp8);
    CHECK(home.track(Stage::kVideo).replicas().size() == 1);
}

TEST_CASE("Replicas: a subscription may come before its publisher, and keeps the track [DES-40]") {
    Stage stage;
    const LinkSubscribe wants{Stage::kAudio, MediaKind::kAudio, true, 0};
    stage.linked(wants);
    CHECK(stage.track(Stage::kAudio).kind() == MediaKind::kAudio);
    CHECK(stage.tracks.is_home(stage.track(Stage::kAudio)));
    Seat& seat = stage.connect();
    stage.command(Stage::audio_of(*seat.peer));
    stage.audio(*seat.peer, 1);
    CHECK(stage.kept.take<LinkPacket>(kOther).size() == 1);
    stage.command(RemoveReceiver{Stage::kAudio});
    CHECK(stage.kept.take<LinkEnded>(kOther).size() == 1);
    CHECK(stage.tracks.size() == 1);
    // With the last worker that held on to it, it goes; once more does no harm.
    LinkSubscribe ended = wants;
    ended.subscribed = false;
    stage.replicas.handle(stage.now(), {2, ended});
    CHECK(stage.tracks.size() == 1);
    stage.linked(ended);
    CHECK(stage.tracks.size() == 0);
    stage.linked(ended);
    CHECK(stage.tracks.size() == 0);
}

TEST_CASE("Replicas: wishes of other workers reach the publisher here [DES-43] [IN-05]") {
    Home home;
    home.send(10);
    home.flush();
    home.now_ms += 5'000;
    home.seat.rtcp.clear();
    home.linked(LinkKeyFrame{Stage::kVideo, 0});
    home.flush();
    CHECK(Stage::plis_to(home.seat) == 1);
    home.linked(LinkLoss{Stage::kVideo, 50});
    home.linked(LinkLoss{Stage::kVideo, 20});
    CHECK(home.tracks.find_receiver(Stage::kVideo)->receiver->take_worst_loss() == 50);
    // Of what is gone nothing is wanted any more.
    home.linked(LinkKeyFrame{ReceiverId(4), 0});
    home.linked(LinkLoss{ReceiverId(4), 50});
    CHECK(home.tracks.size() == 1);
}

// ---------------------------------------------------------------- elsewhere

// A subscriber here to a camera on another worker.
struct Away : Stage {
    explicit Away(const PacketPoolLimits& limits = {}) : Stage({}, limits), seat(connect()) {
        command(track_to(*seat.peer, MediaKind::kVideo, 500, kOther));
        linked(LinkSource{kVideo, video_source()});
    }
    Seat& seat;
};

TEST_CASE("Replicas: packets of another worker go on here, of no track to nobody [DES-40]") {
    Away away;
    away.linked_video(1, true);
    away.linked_video(2, false);
    away.flush();
    CHECK(away.seat.sequences(500).size() == 2);
    away.subscriptions.remove_all(away.now(), *away.seat.peer);
    CHECK(away.tracks.size() == 0);
    away.linked_video(3, false);  // was on its way
    CHECK(away.tracks.size() == 0);
    CHECK(away.pool.large_in_use() == 0);
    CHECK(away.pool.small_in_use() == 0);
}

TEST_CASE("Replicas: without a home here nothing is made by what comes late [IMM-15]") {
    Stage stage;
    stage.linked(LinkSource{Stage::kVideo, stage.video_source()});
    stage.linked(LinkReport{Stage::kVideo, 0, {}});
    stage.linked(LinkEnded{Stage::kVideo});
    stage.linked_video(1, true);
    CHECK(stage.tracks.size() == 0);
    // The home is told that nobody wants it here: it may have it from one that was home before.
    REQUIRE(stage.kept.sent.size() == 1);
    const auto* told = std::get_if<LinkSubscribe>(&stage.kept.sent[0].message.body);
    REQUIRE(told != nullptr);
    CHECK_FALSE(told->subscribed);
}

TEST_CASE("Replicas: what an old home still says of a source counts no more [MC-20] [DES-40]") {
    Away away;
    away.linked(LinkMoved{Stage::kVideo, 5});
    SourceState old = away.video_source();
    old.muted = true;
    away.linked(LinkSource{Stage::kVideo, old});
    CHECK_FALSE(away.track(Stage::kVideo).source().muted);
}

TEST_CASE("Replicas: a source that comes later does not undo newer reports [FWD-10] [IN-06]") {
    Away away;
    const SourceReport old{NtpTime::from_unix(UnixTime::seconds(100)), 1000, away.now()};
    SourceReport fresh = old;
    fresh.ntp = NtpTime::from_unix(UnixTime::seconds(105));
    away.linked(LinkReport{Stage::kVideo, 0, fresh});
    SourceState state = away.video_source();
    state.reports[0] = old;
    away.linked(LinkSource{Stage::kVideo, state});
    const auto& known = away.track(Stage::kVideo).source().reports[0];
    REQUIRE(known.has_value());
    CHECK(known->ntp == fresh.ntp);
    fresh.ntp = NtpTime::from_unix(UnixTime::seconds(110));
    state.reports[0] = fresh;
    away.linked(LinkSource{Stage::kVideo, state});
    CHECK(away.track(Stage::kVideo).source().reports[0]->ntp == fresh.ntp);
}

TEST_CASE("Replicas: the end of a receiver is the end of its layers, until it is back [DES-40]") {
    Away away;
    away.linked_video(1, true);
    away.linked(LinkEnded{Stage::kVideo});
    CHECK(away.track(Stage::kVideo).source().available == 0);
    // What came before it is sent, and the subscriber stays: the home may have it again.
    away.flush();
    CHECK(away.seat.sequences(500).size() == 1);
    away.linked(LinkSource{Stage::kVideo, away.video_source()});
    away.linked_video(2, false);
    away.flush();
    CHECK(away.seat.sequences(500).size() == 2);
}

TEST_CASE("Replicas: packets before a mute are decided before it, none behind it [FWD-08]") {
    constexpr std::uint32_t kMany = SourceChanges::kMaxPerTurn + 6;
    Away away;
    for (std::uint32_t i = 1; i < kMany; ++i)
        away.command(Stage::track_to(*away.seat.peer, MediaKind::kVideo, 500 + 2 * i, kOther));
    away.linked_video(1, true);
    SourceState muted = away.video_source();
    muted.muted = true;
    away.linked(LinkSource{Stage::kVideo, muted});
    away.linked_video(2, false);
    away.flush();
    for (std::uint32_t i = 0; i < kMany; ++i)
        CHECK(away.seat.sequences(500 + 2 * i).size() == 1);
}

TEST_CASE("Replicas: a packet for which there is no memory is dropped, the next goes on [IMM-15]") {
    PacketPoolLimits limits;
    limits.large_slots_max = 1;
    Away away(limits);
    {
        const PacketRef taken = away.pool.acquire_large();
        std::vector<PacketRef> rest;
        while (PacketRef more = away.pool.acquire_large())
            rest.push_back(std::move(more));
        away.linked_video(1, true);
        CHECK(away.track(Stage::kVideo).arrived().empty());
    }
    away.linked_video(2, true);
    away.flush();
    CHECK(away.seat.sequences(500).size() == 1);
}

}  // namespace
}  // namespace confab::sfu
