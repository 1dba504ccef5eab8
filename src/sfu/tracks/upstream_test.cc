// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/upstream.h"

#include "sfu/tracks/stage_testing.h"

namespace confab::sfu {
namespace {

using test::Seat;
using test::Stage;

// The streams that a publisher's client is asked to send a key frame of.
std::vector<std::uint32_t> asked(const Seat& seat) {
    std::vector<std::uint32_t> result;
    for (const Bytes& compound : seat.rtcp) {
        wire::RtcpReader reader(compound);
        while (const auto block = reader.next())
            if (const auto pli = wire::parse_pli(*block)) result.push_back(pli->media_ssrc);
    }
    return result;
}

// A camera with two layers, of which each may have started.
struct Simulcast : Stage {
    explicit Simulcast(LayerMode mode = LayerMode::kOneSpatialLayerPerStream) : seat(connect()) {
        AddReceiver add = video_of(*seat.peer);
        add.mode = mode;
        add.layers = {{"q", 0, Ssrc(10), std::nullopt, 320, 180},
                      {"h", 1, Ssrc(11), std::nullopt, 640, 360}};
        command(add);
    }
    void start(std::uint32_t ssrc) {
        started.push_back(ssrc);
        settle();
    }
    // A key frame of each stream: nothing is asked for any more.
    void settle() {
        ++sequence;
        for (const std::uint32_t ssrc : started)
            rtp(*seat.peer, {sequence, sequence * 3000U, 96, ssrc, inbound_test::vp8_key()});
        flush();
        seat.rtcp.clear();
    }
    std::vector<std::uint32_t> ask(std::uint8_t spatial) {
        now_ms += 5'000;  // behind the throttle
        settle();
        upstream.request_key_frame(now(), track(kVideo), spatial);
        flush();
        return asked(seat);
    }
    Seat& seat;
    std::vector<std::uint32_t> started;
    std::uint16_t sequence = 0;
};

TEST_CASE("Upstream: the stream of the layer is asked, one that started for another [IN-53]") {
    Simulcast call;
    CHECK(call.ask(0).empty());  // nothing came yet
    call.start(11);
    CHECK(call.ask(0) == std::vector<std::uint32_t>{11});
    call.start(10);
    CHECK(call.ask(0) == std::vector<std::uint32_t>{10});
    CHECK(call.ask(1) == std::vector<std::uint32_t>{11});
}

TEST_CASE("Upstream: of an SVC stream the one there is is asked, for any layer [IN-53]") {
    Simulcast call(LayerMode::kMultipleSpatialLayersPerStream);
    call.start(11);
    call.start(10);
    CHECK(call.ask(1) == std::vector<std::uint32_t>{10});
}

TEST_CASE("Upstream: without a receiver nobody is asked, on another worker its home [DES-43]") {
    Stage stage;
    Track& here = stage.tracks.at_home(Stage::kVideo, MediaKind::kVideo);
    stage.upstream.request_key_frame(stage.now(), here, 0);
    CHECK(stage.kept.sent.empty());
    Track& there = stage.tracks.at(ReceiverId(9), 2, MediaKind::kVideo);
    stage.upstream.request_key_frame(stage.now(), there, 1);
    const auto wanted = stage.kept.take<LinkKeyFrame>(2);
    REQUIRE(wanted.size() == 1);
    CHECK(wanted[0].receiver == ReceiverId(9));
    CHECK(wanted[0].spatial == 1);
}

TEST_CASE("Upstream: a throttled wish is sent when it may be, without a packet [IN-08]") {
    Simulcast call;
    call.start(10);
    CHECK(call.ask(0).size() == 1);
    call.settle();
    call.upstream.request_key_frame(call.now(), call.track(Stage::kVideo), 0);
    call.flush();
    CHECK(asked(call.seat).empty());
    call.run(400);
    CHECK(asked(call.seat).empty());
    call.run(200);  // throttled for 500 ms
    CHECK(asked(call.seat).size() == 1);
}

TEST_CASE("Upstream: loss of audio is told where that is wanted, video's never [IN-05]") {
    for (const bool wanted : {false, true}) {
        ShardOptions options;
        options.loss_proxying = wanted;
        Stage stage(options);
        Seat& seat = stage.connect();
        stage.command(Stage::audio_of(*seat.peer));
        stage.command(Stage::video_of(*seat.peer));
        for (const std::uint8_t fraction : std::array<std::uint8_t, 3>{10, 80, 30}) {
            stage.upstream.note_loss(stage.now(), stage.track(Stage::kAudio), fraction);
            stage.upstream.note_loss(stage.now(), stage.track(Stage::kVideo), fraction);
        }
        Receiver& audio = *stage.tracks.find_receiver(Stage::kAudio)->receiver;
        CHECK(audio.take_worst_loss() == (wanted ? 80 : 0));
        CHECK(audio.take_worst_loss() == 0);  // it was of that report
        CHECK(stage.tracks.find_receiver(Stage::kVideo)->receiver->take_worst_loss() == 0);
        Track& there = stage.tracks.at(ReceiverId(9), 2, MediaKind::kAudio);
        stage.upstream.note_loss(stage.now(), there, 70);
        const auto told = stage.kept.take<LinkLoss>(2);
        REQUIRE(told.size() == (wanted ? 1 : 0));
        if (wanted) CHECK(told[0].fraction == 70);
    }
}

// What the home of a replica was told of it.
std::vector<LinkSubscribe> told_home(Stage& stage) {
    return stage.kept.take<LinkSubscribe>(Stage::kOther);
}

TEST_CASE("Upstream: the home hears of the first subscriber, of each change, of the end [DES-43]") {
    Stage stage;
    Seat& seat = stage.connect();
    const auto track_to = [&](std::uint32_t ssrc, std::uint8_t spatial) {
        AddDownTrack add = Stage::track_to(*seat.peer, MediaKind::kVideo, ssrc, Stage::kOther);
        add.settings.max_spatial = spatial;
        return add;
    };
    stage.command(track_to(500, 1));
    CHECK(told_home(stage) ==
          std::vector{LinkSubscribe{Stage::kVideo, MediaKind::kVideo, true, 1}});
    stage.command(track_to(600, 0));  // wants nothing that is not there
    CHECK(told_home(stage).empty());
    stage.command(track_to(700, 2));
    CHECK(told_home(stage) ==
          std::vector{LinkSubscribe{Stage::kVideo, MediaKind::kVideo, true, 2}});
    DownTrackSettings off;
    off.enabled = false;
    stage.command(UpdateDownTrack{DownTrackId(700), off});
    CHECK(told_home(stage) ==
          std::vector{LinkSubscribe{Stage::kVideo, MediaKind::kVideo, true, 1}});
    stage.command(UpdateDownTrack{DownTrackId(500), off});
    stage.command(UpdateDownTrack{DownTrackId(600), off});
    CHECK(told_home(stage).back() == LinkSubscribe{Stage::kVideo, MediaKind::kVideo, true, -1});
    stage.subscriptions.remove_all(stage.now(), *seat.peer);
    CHECK(told_home(stage) ==
          std::vector{LinkSubscribe{Stage::kVideo, MediaKind::kVideo, false, -1}});
    // Who comes behind that is the first one again.
    stage.command(track_to(800, 1));
    CHECK(told_home(stage).size() == 1);
}

TEST_CASE("Upstream: of a track at home no other worker is told [DES-43]") {
    Stage stage;
    Seat& seat = stage.connect();
    stage.command(Stage::track_to(*seat.peer, MediaKind::kVideo, 500));
    stage.subscriptions.remove_all(stage.now(), *seat.peer);
    CHECK(stage.kept.sent.empty());
}

}  // namespace
}  // namespace confab::sfu
