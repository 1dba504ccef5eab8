// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/publications.h"

#include "sfu/tracks/stage_testing.h"

namespace confab::sfu {
namespace {

using test::Seat;
using test::Stage;

// A connection that publishes, and one that has it all.
struct Studio : Stage {
    Studio() : seat(connect()), viewer(connect()), peer(*seat.peer) {}
    void watch() { command(track_to(*viewer.peer, MediaKind::kVideo, 500)); }
    std::size_t seen() {
        flush();
        return viewer.sequences(500).size();
    }
    Seat& seat;
    Seat& viewer;
    ShardPeer& peer;
};

TEST_CASE("Publications: without a codec or a connection nothing is received [IN-09] [DES-10]") {
    Studio studio;
    AddReceiver add = Stage::video_of(studio.peer);
    add.codecs.clear();
    studio.command(add);
    add = Stage::video_of(studio.peer);
    add.peer = PeerId(99);
    studio.command(add);
    CHECK(studio.tracks.receivers() == 0);
    CHECK(studio.tracks.size() == 0);
    studio.command(RemoveReceiver{Stage::kVideo});
    studio.command(MuteReceiver{Stage::kVideo, true});
    studio.command(WantLayers{Stage::kVideo, 0});
    CHECK(studio.tracks.size() == 0);
}

TEST_CASE("Publications: told again it goes on, in another section it begins anew") {
    Studio studio;
    AddReceiver add = Stage::video_of(studio.peer);
    studio.command(add);
    studio.video(studio.peer, 1, true);
    studio.command(add);
    studio.video(studio.peer, 2);
    CHECK(studio.take_events<LayerStarted>().size() == 1);
    const std::uint64_t unknown = studio.peer.counters().rtp_unknown_ssrc;
    add.mid = "5";
    add.layers[0].ssrc = Ssrc(0xEE);
    studio.command(add);
    CHECK(studio.tracks.receivers() == 1);
    studio.video(studio.peer, 3);
    CHECK(studio.peer.counters().rtp_unknown_ssrc == unknown + 1);
    studio.rtp(studio.peer, {1, 3'000, 96, 0xEE, inbound_test::vp8_key()});
    const auto started = studio.take_events<LayerStarted>();
    REQUIRE(started.size() == 1);
    CHECK(started[0].ssrc == Ssrc(0xEE));
}

TEST_CASE("Publications: what goes with a connection is all of its own, and only that [IMM-15]") {
    Studio studio;
    studio.command(Stage::video_of(studio.peer));
    AddReceiver audio = Stage::audio_of(studio.peer);
    audio.microphone = true;
    studio.command(audio);
    AddReceiver others = Stage::audio_of(*studio.viewer.peer);
    others.receiver = ReceiverId(3000);
    others.microphone = true;
    others.room = RoomId(2);
    studio.command(others);
    studio.track(Stage::kVideo).set_replica(Stage::kOther, 0);
    studio.video(studio.peer, 1, true);
    REQUIRE(studio.track(Stage::kVideo).source().available == 1);
    studio.publications.remove_all(studio.now(), studio.peer);
    CHECK(studio.tracks.receivers() == 1);
    CHECK(studio.tracks.find_receiver(others.receiver) != nullptr);
    CHECK(studio.peer.uplink().inbound().receivers().empty());
    CHECK(studio.speakers.rooms() == 1);
    const auto ended = studio.kept.take<LinkEnded>(Stage::kOther);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].receiver == Stage::kVideo);
    // A worker holds on to the video, nobody to the audio.
    CHECK(studio.tracks.find(Stage::kVideo) != nullptr);
    CHECK(studio.track(Stage::kVideo).source().available == 0);
    CHECK(studio.tracks.find(Stage::kAudio) == nullptr);
    studio.video(studio.peer, 2);  // late
    CHECK(studio.peer.counters().rtp_unknown_ssrc == 1);
}

TEST_CASE("Publications: a receiver that moves is another room's speaker [API-12] [IN-31]") {
    Studio studio;
    studio.command(MoveReceiver{ReceiverId(77), RoomId(2)});
    AddReceiver add = Stage::audio_of(studio.peer);
    add.room = RoomId(1);
    add.microphone = true;
    studio.command(add);
    AddReceiver other = add;
    other.receiver = ReceiverId(2000);
    other.mid = "9";
    studio.command(other);
    CHECK(studio.speakers.rooms() == 1);
    studio.command(MoveReceiver{add.receiver, RoomId(2)});
    CHECK(studio.speakers.rooms() == 2);
    CHECK(studio.tracks.find_receiver(add.receiver)->receiver->config().room == RoomId(2));
    studio.command(RemoveReceiver{add.receiver});
    CHECK(studio.speakers.rooms() == 1);
    // What is no microphone stays none.
    AddReceiver video = Stage::video_of(studio.peer);
    studio.command(video);
    studio.command(MoveReceiver{video.receiver, RoomId(3)});
    CHECK(studio.speakers.rooms() == 1);
}

TEST_CASE("Publications: what can not be read or is nobody's counts, and is answered [TRAP-07]") {
    Studio studio;
    AddReceiver add = Stage::video_of(studio.peer);
    studio.command(add);
    PacketRef packet = studio.pool.acquire_large();
    packet.set_size(5);
    std::fill(packet.data().begin(), packet.data().end(), std::uint8_t{0x80});
    studio.publications.handle_rtp({studio.now(), studio.now()}, studio.peer, packet,
                                   packet.data());
    CHECK(studio.peer.counters().rtp_malformed == 1);
    CHECK_FALSE(studio.peer.feedback_wanted);
    // Transport-wide feedback tells of strangers too.
    studio.peer.uplink().transport_cc_id = 1;
    studio.rtp(studio.peer, {1, 3'000, 96, 0x999, {1, 2}, 0, std::uint8_t{5}});
    CHECK(studio.peer.uplink().transport_cc().held() == 0);  // one octet is no number
    CHECK(studio.peer.counters().rtp_unknown_ssrc == 1);
    CHECK(studio.peer.feedback_wanted);
    CHECK(studio.peer.counters().rtp_in == 2);
    CHECK(studio.tracks.find_receiver(Stage::kVideo)->receiver->streams().empty());
}

TEST_CASE("Publications: of a muted track nothing goes on, its packets are counted [FWD-08]") {
    Studio studio;
    studio.command(Stage::video_of(studio.peer));
    studio.watch();
    studio.track(Stage::kVideo).set_replica(Stage::kOther, 0);
    studio.video(studio.peer, 1, true);
    studio.command(MuteReceiver{Stage::kVideo, true});
    CHECK(studio.track(Stage::kVideo).source().muted);
    studio.video(studio.peer, 2, true);
    CHECK(studio.seen() == 1);  // the one before the mute
    CHECK(studio.kept.take<LinkPacket>(Stage::kOther).size() == 1);
    CHECK(studio.peer.counters().rtp_in == 2);
    studio.command(MuteReceiver{Stage::kVideo, false});
    studio.video(studio.peer, 3, true);
    CHECK(studio.seen() == 2);
}

TEST_CASE("Publications: a mute that is told twice is told to others once [DES-40]") {
    Studio studio;
    studio.command(Stage::video_of(studio.peer));
    studio.track(Stage::kVideo).set_replica(Stage::kOther, 0);
    for (const bool muted : {false, true, true, false, false})
        studio.command(MuteReceiver{Stage::kVideo, muted});
    CHECK(studio.kept.take<LinkSource>(Stage::kOther).size() == 2);
}

TEST_CASE("Publications: a layer starts once, and is told before its packet leaves") {
    Studio studio;
    AddReceiver add = Stage::video_of(studio.peer);
    add.layers = {{"q", 0, Ssrc(10), std::nullopt, 320, 180},
                  {"h", 1, Ssrc(11), std::nullopt, 640, 360}};
    studio.command(add);
    for (std::uint16_t i = 1; i < 4; ++i)
        for (const std::uint32_t ssrc : {11U, 10U})
            studio.rtp(studio.peer, {i, i * 3'000U, 96, ssrc, inbound_test::vp8_key()});
    const auto started = studio.take_events<LayerStarted>();
    REQUIRE(started.size() == 2);
    CHECK(started[0].spatial == 1);
    CHECK(started[0].ssrc == Ssrc(11));
    CHECK(started[0].width == 16);
    CHECK(started[0].height == 8);
    CHECK(started[1].spatial == 0);
    CHECK(started[1].receiver == Stage::kVideo);
    CHECK(studio.track(Stage::kVideo).source().available == 3);
}

TEST_CASE(
    "Publications: of another codec that goes on only what came of it is there [IN-09] [IN-21]") {
    Studio studio;
    AddReceiver add = Stage::video_of(studio.peer);
    add.codecs.push_back({Codec::kH264, PayloadType(102), std::nullopt, 90'000, true});
    add.layers = {{"q", 0, Ssrc(10), std::nullopt, 320, 180},
                  {"h", 1, Ssrc(11), std::nullopt, 640, 360}};
    studio.command(add);
    std::uint16_t sequence = 1;
    const auto send = [&](std::uint8_t pt, std::uint32_t ssrc, const Bytes& payload) {
        studio.rtp(studio.peer, {sequence, sequence * 3'000U, pt, ssrc, payload});
    };
    for (; sequence < 4; ++sequence)
        for (const std::uint32_t ssrc : {11U, 10U})
            send(96, ssrc, inbound_test::vp8_key());
    const SourceState& source = studio.track(Stage::kVideo).source();
    REQUIRE(source.available == 3);
    REQUIRE(source.max_seen.spatial == 1);
    (void)studio.take_events<LayerStarted>();
    for (; sequence < 14; ++sequence, studio.now_ms += 30)
        send(102, 10, Bytes{0x67, 0x42, 0x00, 0x1F, 1, 2});
    CHECK(source.codec == Codec::kH264);
    CHECK(source.available == 1);
    CHECK(source.max_seen.spatial == 0);
    const auto told = studio.take_events<LayerStarted>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].other_codec);
    CHECK(told[0].spatial == 0);
    CHECK(told[0].codec == Codec::kH264);
}

// ---------------------------------------------------------------- reports

wire::SenderReport report_of(std::uint32_t ssrc, std::int64_t seconds, std::uint32_t rtp_time) {
    wire::SenderReport report;
    report.ssrc = ssrc;
    report.ntp = NtpTime::from_unix(UnixTime::seconds(seconds));
    report.rtp_time = rtp_time;
    return report;
}

TEST_CASE("Publications: a report before the first packet counts, from when it came [IN-13]") {
    Studio studio;
    studio.command(Stage::video_of(studio.peer));
    studio.track(Stage::kVideo).set_replica(1, 0);
    const Timestamp arrival = studio.now();
    studio.publications.handle_sender_report(arrival, studio.peer,
                                             report_of(Stage::kVideoSsrc, 100, 3'000));
    const auto& known = studio.track(Stage::kVideo).source().reports[0];
    CHECK_FALSE(known.has_value());
    studio.now_ms += 50;
    studio.video(studio.peer, 1, true);
    REQUIRE(known.has_value());
    CHECK(known->ntp == report_of(1, 100, 0).ntp);
    CHECK(known->arrival == arrival);
    CHECK(studio.kept.take<LinkReport>(1).size() == 1);
    studio.video(studio.peer, 2);
    CHECK(studio.kept.take<LinkReport>(1).empty());  // once
}

TEST_CASE("Publications: replicas hear of each report that is news, of no older one [IN-06]") {
    Studio studio;
    studio.command(Stage::video_of(studio.peer));
    studio.track(Stage::kVideo).set_replica(1, 0);
    studio.track(Stage::kVideo).set_replica(2, 0);
    studio.video(studio.peer, 1, true);
    const auto report = [&](std::int64_t seconds) {
        studio.publications.handle_sender_report(
            studio.now(), studio.peer,
            report_of(Stage::kVideoSsrc, seconds, static_cast<std::uint32_t>(90'000 * seconds)));
    };
    report(100);
    report(105);
    report(102);
    for (const WorkerIndex worker : {WorkerIndex(1), WorkerIndex(2)}) {
        const auto told = studio.kept.take<LinkReport>(worker);
        REQUIRE(told.size() == 2);
        CHECK(told[1].report.ntp == report_of(1, 105, 0).ntp);
        CHECK(told[1].stream == 0);
    }
}

// ---------------------------------------------------------------- time

TEST_CASE("Publications: bitrates are told while there are any, those of audio never [IN-22]") {
    Studio studio;
    studio.command(Stage::video_of(studio.peer));
    studio.command(Stage::audio_of(studio.peer));
    studio.track(Stage::kVideo).set_replica(1, 0);
    studio.track(Stage::kAudio).set_replica(2, 0);
    studio.run(1'000);
    CHECK(studio.kept.sent.empty());  // nothing came, nothing is looked at
    for (std::uint16_t i = 1; i < 100; ++i) {
        studio.video(studio.peer, i, i == 1);
        studio.audio(studio.peer, i);
        studio.run(20);
    }
    const auto video = studio.kept.take<LinkSource>(1);
    REQUIRE(video.size() >= 2);
    CHECK(video.back().state.bitrate[0][0] > 0);
    CHECK(studio.kept.take<LinkSource>(2).size() <= 1);  // that it is there
    // A layer that stopped is told as a change of layers.
    CHECK(video.back().state.available == 1);
    studio.run(10'000);
    const auto stopped = studio.kept.take<LinkSource>(1);
    REQUIRE_FALSE(stopped.empty());
    CHECK(stopped.back().state.available == 0);
}

}  // namespace
}  // namespace confab::sfu
