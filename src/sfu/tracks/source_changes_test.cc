// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/source_changes.h"

#include "sfu/tracks/stage_testing.h"

namespace confab::sfu {
namespace {

using test::Seat;
using test::Stage;

constexpr std::size_t kMax = SourceChanges::kMaxPerTurn;

// Many subscriptions of one client to a camera and to a microphone.
struct Audience : Stage {
    explicit Audience(std::size_t video_tracks, std::size_t audio_tracks = 0)
        : publisher(*connect().peer), subscriber(*connect().peer) {
        command(video_of(publisher));
        command(audio_of(publisher));
        for (std::size_t i = 0; i < video_tracks; ++i)
            command(track_to(subscriber, MediaKind::kVideo, video_ssrc(i)));
        for (std::size_t i = 0; i < audio_tracks; ++i)
            command(track_to(subscriber, MediaKind::kAudio, audio_ssrc(i)));
        changes.begin_turn(now());
    }
    static std::uint32_t video_ssrc(std::size_t i) {
        return 10'000 + 2 * static_cast<std::uint32_t>(i);
    }
    static std::uint32_t audio_ssrc(std::size_t i) {
        return 20'000 + 2 * static_cast<std::uint32_t>(i);
    }
    void change(ReceiverId id) { changes.bitrates_changed(now(), track(id)); }
    std::uint64_t visited() { return changes.down_tracks_visited(); }
    void next_turn() { changes.begin_turn(now()); }
    void leave(std::size_t i) { command(RemoveDownTrack{DownTrackId(video_ssrc(i)), false}); }
    ShardPeer& publisher;
    ShardPeer& subscriber;
};

TEST_CASE("SourceChanges: kMaxPerTurn down-tracks are looked at, the rest with the next [DES-44]") {
    for (const std::size_t count : {kMax - 1, kMax, kMax + 1, 3 * kMax}) {
        Audience audience(count);
        audience.change(Stage::kVideo);
        for (std::size_t turn = 1; turn <= 4; ++turn, audience.next_turn())
            CHECK(audience.visited() == std::min(count, turn * kMax));
    }
}

TEST_CASE("SourceChanges: tracks share what a turn does, the one told first goes first [DES-44]") {
    Audience audience(kMax, 10);
    audience.change(Stage::kVideo);
    audience.change(Stage::kAudio);
    CHECK(audience.visited() == kMax);
    audience.next_turn();
    CHECK(audience.visited() == kMax + 10);
    audience.next_turn();
    CHECK(audience.visited() == kMax + 10);
}

TEST_CASE("SourceChanges: a change in the middle of a pass is followed by one more pass [DES-44]") {
    Audience audience(kMax + 1);
    for (int i = 0; i < 5; ++i)  // however many
        audience.change(Stage::kVideo);
    for (int turn = 0; turn < 6; ++turn)
        audience.next_turn();
    CHECK(audience.visited() == 2 * (kMax + 1));
    CHECK(audience.wheel.next_deadline() > audience.now());
}

TEST_CASE("SourceChanges: who leaves in the middle of a pass is not looked at, all others once") {
    Audience audience(2 * kMax);
    audience.change(Stage::kVideo);
    audience.leave(3);         // had its turn
    audience.leave(kMax + 3);  // had not
    audience.now_ms += 1'000;
    while (TimerNode* node = audience.wheel.pop_due(audience.now()))
        if (node->owner() != nullptr)
            static_cast<Timed*>(node->owner())->on_timer(audience, audience.now());
    REQUIRE(audience.track(Stage::kVideo).subscribers().size() == 2 * kMax - 2);
    audience.next_turn();
    audience.next_turn();
    CHECK(audience.visited() == 2 * kMax - 1);
}

TEST_CASE(
    "SourceChanges: a track that goes while its subscribers are told ends the pass [IMM-15]") {
    Audience audience(kMax + 5, 3);
    audience.change(Stage::kVideo);
    audience.change(Stage::kAudio);
    audience.subscriptions.remove_all(audience.now(), audience.subscriber);
    audience.publications.remove_all(audience.now(), audience.publisher);
    REQUIRE(audience.tracks.size() == 0);
    audience.next_turn();
    CHECK(audience.visited() == kMax);
    // The same track again: a pass of it starts from its beginning.
    audience.command(Stage::audio_of(audience.publisher));
    audience.command(Stage::track_to(audience.subscriber, MediaKind::kAudio, 600));
    audience.change(Stage::kAudio);
    CHECK(audience.visited() == kMax + 1);
}

TEST_CASE("SourceChanges: subscribers know of a change before the next packet [DES-44] [FWD-08]") {
    Audience audience(2 * kMax);
    audience.video(audience.publisher, 1, true);
    audience.flush();
    Seat& seat = *audience.seats[1];
    REQUIRE(seat.rtp.size() == 2 * kMax);
    // The packet before the mute goes to all, the one behind it to nobody.
    audience.video(audience.publisher, 2);
    audience.track(Stage::kVideo).source().muted = true;
    audience.changes.source_changed(audience.now(), audience.track(Stage::kVideo));
    audience.video(audience.publisher, 3);
    audience.flush();
    for (std::size_t i = 0; i < 2 * kMax; ++i)
        CHECK(seat.sequences(Audience::video_ssrc(i)).size() == 2);
}

TEST_CASE("SourceChanges: what is left over is due in a millisecond, however much comes [DES-44]") {
    Audience audience(5 * kMax);
    audience.change(Stage::kVideo);
    const Timestamp due = audience.now() + Duration::millis(1);
    CHECK(audience.wheel.next_deadline() <= due);
    // As LinkSources come, of many tracks, sooner than each millisecond.
    for (int i = 0; i < 20; ++i)
        audience.changes.bitrates_changed(due - Duration::micros(100),
                                          audience.track(Stage::kVideo));
    CHECK(audience.wheel.next_deadline() <= due);
    // What a late turn leaves is due behind it, not in it.
    const Timestamp late = due + Duration::millis(5);
    audience.changes.begin_turn(late);
    CHECK(audience.visited() == 2 * kMax);
    while (audience.wheel.pop_due(late) != nullptr) {
    }
    CHECK(audience.wheel.next_deadline() > late);
    CHECK(audience.wheel.next_deadline() <= late + Duration::millis(2));
}

TEST_CASE("SourceChanges: replicas are told of each change, at once [DES-40]") {
    Audience audience(2 * kMax);
    audience.track(Stage::kVideo).set_replica(1, 0);
    audience.track(Stage::kVideo).set_replica(2, -1);
    audience.track(Stage::kVideo).source().available = 5;
    audience.change(Stage::kVideo);
    for (const WorkerIndex worker : {WorkerIndex(1), WorkerIndex(2)}) {
        const auto told = audience.kept.take<LinkSource>(worker);
        REQUIRE(told.size() == 1);
        CHECK(told[0].receiver == Stage::kVideo);
        CHECK(told[0].state.available == 5);
    }
    audience.change(Stage::kAudio);
    CHECK(audience.kept.sent.empty());
}

}  // namespace
}  // namespace confab::sfu
