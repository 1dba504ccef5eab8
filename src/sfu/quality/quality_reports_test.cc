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
        report.ssrc = kVideoSsrc;
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

TEST_CASE("QualityReports: a publisher's report is overdue after two windows [CQ-01]") {
    Call call;
    call.send(1, 10);
    const auto overdue = [&] {
        const auto told = call.take_events<QualityBatch>();
        REQUIRE(told.size() >= 1);
        return told[0].samples.at(0).rtcp_overdue;
    };
    call.run(kInterval);
    CHECK(overdue());  // none came
    call.report(100);
    call.run(kInterval);
    CHECK_FALSE(overdue());
    call.run(kInterval);
    CHECK_FALSE(overdue());
    call.run(kInterval);
    CHECK(overdue());
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
