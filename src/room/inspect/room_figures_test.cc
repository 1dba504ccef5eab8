// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/inspect/room_figures.h"

#include <doctest/doctest.h>

#include "room/manager/room_manager.h"
#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_join;

const ParticipantFigures& find(const RoomFigures& room, const std::string& identity) {
    for (const ParticipantFigures& p : room.participants)
        if (p.info.identity() == identity) return p;
    FAIL("nobody of that name");
    return room.participants.front();
}

// Of one layer of the only receiver.
sfu::StreamSample layer(const Harness& h, std::uint8_t spatial, std::uint64_t bytes) {
    return {h.commands_of<sfu::AddReceiver>().back().receiver, spatial, bytes, 100, 5, 125};
}
// Its two layers, and what they are together.
void fill(sfu::QualityBatch& batch, const std::vector<sfu::StreamSample>& layers) {
    sfu::QualitySample whole;
    whole.receiver = layers.front().receiver;
    whole.codec = sfu::Codec::kVp8;
    for (const sfu::StreamSample& one : layers) {
        whole.packets_expected += one.packets_expected;
        whole.packets_lost += one.packets_lost;
        whole.bytes += one.bytes;
    }
    batch.samples = {whole};
    batch.streams = layers;
}

}  // namespace

TEST_CASE("Room figures: what each publishes, how much of it comes, and who has it") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.join_active("r", "bob");
    h.publish(alice, "cid", true);
    const sfu::PeerId uplink = h.commands_of<sfu::AddReceiver>().back().peer;
    sfu::QualityBatch batch;
    batch.peer = uplink;
    fill(batch, {layer(h, 0, 50'000), layer(h, 1, 250'000)});
    batch.path.rtt = Duration::millis(33);
    h.event(batch);
    h.advance(Duration::seconds(6));

    const auto room = room_figures(h.manager, "r");
    REQUIRE(room);
    CHECK(room->room.name() == "r");
    REQUIRE(room->participants.size() == 2);
    const ParticipantFigures& first = find(*room, "alice");
    CHECK(first.client.sdk() == livekit::ClientInfo::JS);
    CHECK(first.link.path == sfu::ConnectionType::kUdp);
    CHECK(first.link.rtt == Duration::millis(33));
    CHECK(first.link.quality);
    REQUIRE(first.tracks.size() == 1);
    const TrackFigures& track = first.tracks[0];
    CHECK(track.sid == first.info.tracks(0).sid());
    CHECK(track.bytes_per_second == 60'000);
    REQUIRE(track.lost);
    CHECK(*track.lost == 0.05);
    REQUIRE(track.layers.size() == 2);
    CHECK(track.layers[0].bits_per_second == 80'000);
    CHECK(track.layers[1].bits_per_second == 400'000);
    CHECK(track.layers[1].frames_per_second == 25);
    REQUIRE(track.subscribers);
    CHECK(*track.subscribers == 1);
    CHECK(find(*room, "bob").tracks.empty());
}

TEST_CASE("Room figures: data of all connections, and the media that each is sent") {
    for (const bool one_connection : {true, false}) {
        CAPTURE(one_connection);
        Harness h;
        JoinParams params = test_join("r", "alice");
        params.single_connection = one_connection;
        h.join(params);
        const auto peers = h.commands_of<sfu::CreatePeer>();
        // One message in and two out of each connection, a second of media.
        for (const sfu::CreatePeer& peer : peers) {
            sfu::QualityBatch batch;
            batch.peer = peer.peer;
            batch.data = {5, 500, 10, 2'000};
            sfu::QualitySample sent;
            sent.down_track = sfu::DownTrackId(7);
            sent.bytes = 5'000;
            batch.samples = {sent};
            h.event(batch);
        }
        const auto times = static_cast<double>(peers.size());
        const auto room = room_figures(h.manager, "r");
        REQUIRE(room);
        CHECK(room->data.messages_in_per_second == 1 * times);
        CHECK(room->data.bytes_in_per_second == 100 * times);
        CHECK(room->data.messages_out_per_second == 2 * times);
        CHECK(room->data.bytes_out_per_second == 400 * times);
        CHECK(find(*room, "alice").bytes_out_per_second == 1'000 * times);
        // A window without any takes the place of the one before.
        for (const sfu::CreatePeer& peer : peers)
            h.event(sfu::QualityBatch{peer.peer, {}, {}, {}, {}});
        CHECK(room_figures(h.manager, "r")->data.messages_in_per_second == 0);
        CHECK(find(*room_figures(h.manager, "r"), "alice").bytes_out_per_second == 0);
    }
}

TEST_CASE("Participant figures: what one publishes, without who has it [RPC-19]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.join_active("r", "bob");
    h.publish(alice, "cid", true);
    sfu::QualityBatch batch;
    batch.peer = h.commands_of<sfu::AddReceiver>().back().peer;
    fill(batch, {layer(h, 0, 50'000), layer(h, 1, 250'000)});
    h.event(batch);
    const auto one = participant_figures(h.manager, "r", "alice");
    REQUIRE(one);
    REQUIRE(one->tracks.size() == 1);
    CHECK(one->tracks[0].sid == one->info.tracks(0).sid());
    CHECK(one->tracks[0].bytes_per_second == 60'000);
    CHECK_FALSE(one->tracks[0].subscribers);
    CHECK(participant_figures(h.manager, "r", "bob")->tracks.empty());
    CHECK_FALSE(participant_figures(h.manager, "r", "nobody"));
    CHECK_FALSE(participant_figures(h.manager, "elsewhere", "alice"));
}

TEST_CASE("Room figures: of a window without packets nothing is said, and layers that stop go") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "cid", true);
    sfu::QualityBatch batch;
    batch.peer = h.commands_of<sfu::AddReceiver>().back().peer;
    fill(batch, {layer(h, 0, 50'000), layer(h, 1, 250'000)});
    h.event(batch);
    std::vector<sfu::StreamSample> none{layer(h, 0, 50'000), layer(h, 1, 0)};
    none[0].packets_expected = none[1].packets_expected = 0;
    fill(batch, none);
    h.event(batch);
    const TrackFigures track = find(*room_figures(h.manager, "r"), "alice").tracks.at(0);
    CHECK(track.layers.size() == 1);
    CHECK_FALSE(track.lost);
    CHECK(track.subscribers == 0);
}

TEST_CASE("Room figures: samples of no layer that there can be are left out") {
    QualityView view;
    sfu::StreamSample one;
    one.receiver = sfu::ReceiverId(1);
    one.spatial = kStreamWindows - 1;
    one.bytes = 5;
    view.add(1, one);  // of a track that nothing is known of
    CHECK(view.windows(1) == nullptr);
    view.add(1, sfu::QualitySample{});
    one.spatial = kStreamWindows;
    view.add(1, one);
    CHECK(view.windows(1) == nullptr);
    one.spatial = kStreamWindows - 1;
    view.add(1, one);
    REQUIRE(view.windows(1) != nullptr);
    CHECK(view.windows(1)->back().bytes == 5);
    view.remove(1);
    CHECK(view.windows(1) == nullptr);
}

TEST_CASE("Room figures: of all rooms how many are in them, and what they publish") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    h.join_active("s", "bob");
    h.publish(alice, "one", true);
    h.publish(alice, "two", false);
    const auto rooms = room_summaries(h.manager);
    REQUIRE(rooms.size() == 2);
    CHECK(rooms[0].key == "r");
    CHECK(rooms[0].tracks == 2);
    CHECK(rooms[0].room.num_participants() == 1);
    CHECK(rooms[1].key == "s");
    CHECK(rooms[1].tracks == 0);
    CHECK_FALSE(room_figures(h.manager, "nowhere"));
}

}  // namespace confab::room
