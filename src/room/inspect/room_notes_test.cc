// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What rooms tell for the history of the console.
#include <doctest/doctest.h>

#include <algorithm>

#include "room/scope/outbox.h"
#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_config;
using testing::test_join;
using What = RoomNote::What;

Config with_history() {
    Config config = test_config();
    config.history_listens = true;
    return config;
}
std::vector<What> kinds(const Harness& h) {
    std::vector<What> all;
    all.reserve(h.notes.size());
    for (const RoomNote& note : h.notes)
        all.push_back(note.what);
    return all;
}
sfu::QualityBatch report(const Harness& h, std::uint64_t lost) {
    sfu::QualityBatch batch;
    batch.peer = h.commands_of<sfu::CreatePeer>().front().peer;
    sfu::QualitySample sample;
    sample.receiver = h.commands_of<sfu::AddReceiver>().front().receiver;
    sample.packets_expected = 100;
    sample.packets_lost = lost;
    batch.samples.push_back(sample);
    batch.path.rtt = Duration::millis(40);
    return batch;
}

}  // namespace

TEST_CASE("Room notes: a room and a session from their begin to their end") {
    Harness h(with_history());
    const SessionId alice = h.join_active("r", "alice");
    CHECK(kinds(h) == std::vector{What::kRoomStarted, What::kJoined});
    CHECK(h.notes[0].room == "r");
    CHECK(h.notes[0].room_sid.starts_with("RM_"));
    const RoomNote joined = h.notes[1];
    CHECK(joined.identity == "alice");
    CHECK(joined.sid.starts_with("PA_"));
    CHECK(joined.room_sid == h.notes[0].room_sid);
    CHECK(joined.client.sdk() == livekit::ClientInfo::JS);
    CHECK(joined.joined.s() == h.clock().wall.s());
    h.advance(Duration::seconds(5));
    livekit::SignalRequest leave;
    leave.mutable_leave()->set_reason(livekit::CLIENT_INITIATED);
    h.send(alice, leave);
    REQUIRE(h.notes.size() == 3);
    const RoomNote& left = h.notes[2];
    CHECK(left.what == What::kLeft);
    CHECK(left.sid == joined.sid);
    CHECK(left.reason == livekit::CLIENT_INITIATED);
    CHECK(left.path == sfu::ConnectionType::kUdp);
    CHECK(left.at == joined.at + Duration::seconds(5));
    h.advance(Duration::seconds(400));
    CHECK(kinds(h).back() == What::kRoomFinished);
}

TEST_CASE("Room notes: the end of a session says how its connection was") {
    Harness h(with_history());
    const SessionId alice = h.join_active("r", "alice");
    h.publish(alice, "cid", false);
    h.event(report(h, 0));
    h.advance(Duration::seconds(10));
    sfu::PeerStateChanged moved;
    moved.peer = h.commands_of<sfu::CreatePeer>().front().peer;
    moved.state = sfu::PeerState::kReconnected;
    moved.type = sfu::ConnectionType::kTurn;
    h.event(moved);
    h.manager.shut_down(h.clock());
    h.drain();
    const auto left = std::find_if(h.notes.begin(), h.notes.end(),
                                   [](const RoomNote& note) { return note.what == What::kLeft; });
    REQUIRE(left != h.notes.end());
    CHECK(left->path == sfu::ConnectionType::kTurn);
    REQUIRE(left->quality);
    CHECK(*left->quality == 4.5F);
    CHECK(left->reason == livekit::SERVER_SHUTDOWN);
}

TEST_CASE("Room notes: who did not become active was there, too") {
    Harness h(with_history());
    h.auto_connect = false;
    const SessionId alice = h.join(test_join("r", "alice"));
    livekit::SignalRequest leave;
    leave.mutable_leave();
    h.send(alice, leave);
    CHECK(kinds(h) == std::vector{What::kRoomStarted, What::kAborted});
    CHECK_FALSE(h.notes[1].path);
}

TEST_CASE("Room notes: a refusal has its words, and its cause where these say nothing") {
    Config config = with_history();
    config.limits.metadata = 3;
    config.room.max_participants = 1;
    Harness h(config);
    h.join(test_join("r", "alice"));
    h.join(test_join("r", "bob"));
    REQUIRE(kinds(h).back() == What::kRefused);
    CHECK(h.notes.back().identity == "bob");
    CHECK(h.notes.back().status == 403);
    CHECK(h.notes.back().text.starts_with("the room is full"));
    JoinParams params = test_join("s", "carol");
    params.grants.metadata = "too long";
    h.join(params);
    CHECK(h.notes.back().room == "s");
    CHECK(h.notes.back().cause.find("limit.max_metadata_size") != std::string::npos);
    // One that comes back is no join.
    const std::size_t before = h.notes.size();
    params.reconnect = true;
    h.join(params);
    CHECK(h.notes.size() == before);
}

TEST_CASE("Room notes: nobody who keeps them, none made") {
    Harness h;
    h.join_active("r", "alice");
    h.manager.shut_down(h.clock());
    h.drain();
    CHECK(h.notes.empty());
}

TEST_CASE("Room notes: without place in the outbox they are dropped and counted") {
    Outbox out(100'000);
    out.note({What::kRoomStarted, {}, "r"});
    RoomNote large{What::kRefused, {}, "r"};
    large.text = std::string(200'000, 'x');
    out.note(large);
    CHECK(out.size() == 1);
    CHECK(out.dropped() == 1);
}

}  // namespace confab::room
