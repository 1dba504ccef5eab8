// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/quality/quality_reports.h"

#include "sfu/tracks/stage_testing.h"

namespace confab::sfu {
namespace {

using test::Seat;
using test::Stage;

constexpr std::int64_t kInterval = QualityReports::kInterval.ms();

// One who publishes a camera and one who looks on; their windows begin 100 ms apart.
struct Call : Stage {
    Call() : publisher(*connect().peer), subscriber(*connect().peer) {
        AddReceiver add = video_of(publisher);
        add.source = MediaSource::kCamera;
        command(add);
        command(track_to(subscriber, MediaKind::kVideo, 500));
        quality.start(now(), publisher);
        quality.start(now() + Duration::millis(100), subscriber);
    }
    // Packets with these numbers, one each 10 ms.
    void send(std::uint16_t first, std::uint16_t last) {
        for (std::uint16_t i = first; i <= last; ++i) {
            video(publisher, i, i == 1);
            run(10);
        }
    }
    void report(std::int64_t seconds) {
        wire::SenderReport report;
        report.ssrc = Call::kVideoSsrc;
        report.ntp = NtpTime::from_unix(UnixTime::seconds(seconds));
        publications.handle_sender_report(now(), publisher, report);
    }
    const StreamFigures& incoming() const {
        return quality.figures().of(Direction::kIncoming, MediaKind::kVideo, MediaSource::kCamera);
    }
    ShardPeer& publisher;
    ShardPeer& subscriber;
};

TEST_CASE("QualityReports: each connection each 5 s, at its own time and not sooner [CQ-01]") {
    Call call;
    call.send(1, 10);
    call.run(kInterval - 101);
    CHECK(call.take_events<QualityBatch>().empty());
    call.run(3);
    auto told = call.take_events<QualityBatch>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].peer == call.publisher.id());
    call.run(100);
    told = call.take_events<QualityBatch>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].peer == call.subscriber.id());
    call.run(kInterval - 110);
    CHECK(call.take_events<QualityBatch>().empty());
    call.run(120);
    CHECK(call.take_events<QualityBatch>().size() == 2);
    call.run(10 * kInterval);
    CHECK(call.take_events<QualityBatch>().size() == 20);
}

TEST_CASE("QualityReports: of nothing nothing is told, what comes later is [CQ-01]") {
    Stage stage;
    ShardPeer& peer = *stage.connect().peer;
    stage.quality.start(stage.now(), peer);
    stage.run(3 * kInterval);
    CHECK(stage.take_events<QualityBatch>().empty());
    stage.command(Stage::video_of(peer));  // no stream of it yet
    stage.run(kInterval);
    CHECK(stage.take_events<QualityBatch>().empty());
    stage.video(peer, 1, true);
    stage.run(kInterval);
    CHECK(stage.take_events<QualityBatch>().size() == 1);
    // What goes is told once.
    stage.command(RemoveReceiver{Stage::kVideo});
    stage.run(kInterval);
    const auto told = stage.take_events<QualityBatch>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].samples.empty());
    stage.run(3 * kInterval);
    CHECK(stage.take_events<QualityBatch>().empty());
}

TEST_CASE("QualityReports: what is lost counts in the window in which it was [CQ-01] [OBS-01]") {
    Call call;
    call.send(1, 50);
    call.send(61, 100);
    call.run(kInterval);
    auto told = call.take_events<QualityBatch>();
    REQUIRE(told.size() == 2);
    const QualitySample& sample = told[0].samples.at(0);
    CHECK(sample.receiver == Stage::kVideo);
    CHECK(sample.down_track == DownTrackId());
    CHECK(sample.packets_expected == 100);
    CHECK(sample.packets_lost == 10);
    CHECK(call.incoming().lost == 10);
    call.run(kInterval);
    told = call.take_events<QualityBatch>();
    REQUIRE(told.size() == 2);
    CHECK(told[0].samples.at(0).packets_expected == 0);
    CHECK(told[0].samples.at(0).packets_lost == 0);
    CHECK(call.incoming().lost == 10);
    // Those of subscribers name their down-track.
    CHECK(told[1].samples.at(0).down_track == DownTrackId(500));
    CHECK(told[1].samples.at(0).receiver == ReceiverId());
    CHECK(call.quality.down_tracks_visited() == 2);
}

TEST_CASE("QualityReports: what came late is no loss, what did not come is one [CQ-01]") {
    Call call;
    call.send(1, 50);
    call.send(54, 60);
    call.send(51, 51);
    call.run(kInterval);
    CHECK(call.take_events<QualityBatch>().at(0).samples.at(0).packets_lost == 2);
    call.send(63, 70);
    call.send(52, 53);
    call.run(kInterval);
    CHECK(call.take_events<QualityBatch>().at(0).samples.at(0).packets_lost == 0);
}

TEST_CASE("QualityReports: a publisher's report is overdue after a window [CQ-01] [CQ-02]") {
    Call call;
    call.send(1, 10);
    const auto overdue = [&] {
        const auto told = call.take_events<QualityBatch>();
        REQUIRE(told.size() >= 1);
        return told[0].samples.at(0).rtcp_overdue;
    };
    call.run(kInterval);
    CHECK_FALSE(overdue());  // none came, ever
    call.report(100);
    call.run(kInterval);
    CHECK_FALSE(overdue());
    call.run(kInterval);
    CHECK(overdue());
    call.report(110);
    call.run(kInterval);
    CHECK_FALSE(overdue());
}

TEST_CASE("QualityReports: who is muted by whom is told [CQ-01] [FWD-08]") {
    Call call;
    call.send(1, 10);
    const auto muted = [&] {
        call.run(kInterval);
        const auto told = call.take_events<QualityBatch>();
        REQUIRE(told.size() == 2);
        return std::pair(told[0].samples.at(0).muted, told[1].samples.at(0).muted);
    };
    CHECK(muted() == std::pair(false, false));
    DownTrackSettings off;
    off.enabled = false;
    call.command(UpdateDownTrack{DownTrackId(500), off});
    CHECK(muted() == std::pair(false, true));
    call.command(UpdateDownTrack{DownTrackId(500), {}});
    call.command(MuteReceiver{Stage::kVideo, true});
    CHECK(muted() == std::pair(true, true));
}

TEST_CASE("QualityReports: sound is muted for its listener as a picture is [CQ-02] [FWD-08]") {
    Stage stage;
    ShardPeer& publisher = *stage.connect().peer;
    ShardPeer& subscriber = *stage.connect().peer;
    stage.command(Stage::audio_of(publisher));
    stage.command(Stage::track_to(subscriber, MediaKind::kAudio, 500));
    stage.quality.start(stage.now(), subscriber);
    const auto told = [&] {
        stage.run(kInterval);
        const auto batches = stage.take_events<QualityBatch>();
        REQUIRE(batches.size() == 1);
        return batches[0].samples.at(0);
    };
    CHECK_FALSE(told().muted);
    CHECK(told().unjudged);
    stage.command(MuteReceiver{Stage::kAudio, true});
    CHECK(told().muted);
    stage.command(MuteReceiver{Stage::kAudio, false});
    CHECK_FALSE(told().muted);
}

TEST_CASE("QualityReports: losses are set against the packets that their report is of [CQ-01]") {
    Stage stage;
    ShardPeer& publisher = *stage.connect().peer;
    ShardPeer& subscriber = *stage.connect().peer;
    stage.command(Stage::audio_of(publisher));
    stage.command(Stage::track_to(subscriber, MediaKind::kAudio, 500));
    stage.quality.start(stage.now(), subscriber);
    DownTrack& track = subscriber.downlink().tracks().front()->down_track;
    std::uint16_t number = 0;
    const auto speak = [&](int packets, std::int64_t apart) {
        for (int i = 0; i < packets; ++i) {
            stage.audio(publisher, ++number);
            stage.run(apart);
        }
    };
    const auto told = [&] {
        const auto batches = stage.take_events<QualityBatch>();
        REQUIRE(batches.size() == 1);
        return batches[0].samples.at(0);
    };
    speak(245, 20);
    stage.run(150);
    const QualitySample before = told();  // any report
    CHECK(before.unjudged);
    CHECK(before.packets_expected == 0);
    wire::ReportBlock block;
    block.ssrc = 500;
    block.cumulative_lost = 5;
    (void)track.handle_report(block, stage.now());
    speak(12, 400);  // silence, as Opus sends it (DTX)
    stage.run(250);
    const QualitySample after = told();
    CHECK_FALSE(after.unjudged);
    CHECK(after.packets_lost == 5);
    CHECK(after.packets_expected == 245);
    const StreamFigures& figures =
        stage.quality.figures().of(Direction::kOutgoing, MediaKind::kAudio, MediaSource::kUnknown);
    CHECK(figures.lost == 5);
}

TEST_CASE("QualityReports: what is not wanted of a publisher is told as such [CQ-02] [DYN-01]") {
    Call call;
    call.send(1, 10);
    const auto told = [&] {
        call.run(kInterval);
        const auto batches = call.take_events<QualityBatch>();
        REQUIRE(batches.size() == 2);
        return batches[0].samples.at(0);
    };
    CHECK_FALSE(told().unwanted);
    call.command(WantLayers{Stage::kVideo, -1});
    CHECK(told().unwanted);
    CHECK(told().unmuted == doctest::Approx(0).epsilon(0.01));
    call.command(WantLayers{Stage::kVideo, 2});
    const QualitySample again = told();
    CHECK_FALSE(again.unwanted);
    CHECK(again.unmuted == doctest::Approx(1).epsilon(0.01));
}

TEST_CASE("QualityReports: what came in a window, by stream: octets and whole frames") {
    Call call;
    std::size_t octets = 0;
    // Five frames of two packets; the last of each has the marker.
    for (std::uint16_t i = 1; i <= 10; ++i) {
        const inbound_test::PacketSpec packet{
            .sequence = i,
            .timestamp = (i + 1U) / 2 * 3000,
            .pt = 96,
            .ssrc = Call::kVideoSsrc,
            .payload = i == 1 ? inbound_test::vp8_key() : inbound_test::vp8_delta(),
            .marker = i % 2 == 0};
        octets += inbound_test::build(packet).size();
        call.rtp(call.publisher, packet);
        call.run(10);
    }
    call.run(kInterval);
    const auto told = call.take_events<QualityBatch>();
    REQUIRE_FALSE(told.empty());
    REQUIRE(told[0].samples.size() == 1);
    CHECK(told[0].samples[0].bytes == octets);
    REQUIRE(told[0].streams.size() == 1);
    const StreamSample& first = told[0].streams[0];
    CHECK(first.receiver == Stage::kVideo);
    CHECK(first.spatial == 0);
    CHECK(first.bytes == octets);
    CHECK(first.frames == 5);
    call.run(kInterval);
    const auto later = call.take_events<QualityBatch>();
    REQUIRE_FALSE(later.empty());
    for (const QualityBatch& batch : later) {
        for (const QualitySample& sample : batch.samples)
            CHECK(sample.bytes == 0);
        for (const StreamSample& stream : batch.streams)
            CHECK(stream.frames == 0);
    }
}

TEST_CASE("QualityReports: data of a window, and once that there are none any more") {
    Stage stage;
    ShardPeer& peer = *stage.connect().peer;
    stage.quality.start(stage.now(), peer);
    peer.data_count = {1, 2, 3, 4};
    stage.run(kInterval);
    auto told = stage.take_events<QualityBatch>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].data == DataCount{1, 2, 3, 4});
    CHECK(peer.data_count == DataCount{});
    stage.run(kInterval);
    told = stage.take_events<QualityBatch>();
    REQUIRE(told.size() == 1);
    CHECK(told[0].data == DataCount{});
    stage.run(3 * kInterval);
    CHECK(stage.take_events<QualityBatch>().empty());
}

TEST_CASE("QualityReports: a window that ends with its stream counts once, untold [OBS-01]") {
    Call call;
    call.send(1, 5);
    call.send(8, 20);
    call.command(RemoveReceiver{Stage::kVideo});
    CHECK(call.incoming().lost == 2);
    CHECK(call.incoming().loss_percent.count() == 1);
    call.run(2 * kInterval);
    CHECK(call.incoming().lost == 2);
    CHECK(call.incoming().loss_percent.count() == 1);
    for (const QualityBatch& batch : call.take_events<QualityBatch>())
        CHECK(batch.peer == call.subscriber.id());
}

}  // namespace
}  // namespace confab::sfu
