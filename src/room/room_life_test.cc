// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// When participants and rooms end: media that does not come back, who keeps a room open, calls that
// reach a room whose time is over. Through RoomManager.
#include <doctest/doctest.h>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_config;
using testing::test_join;
using R = livekit::SignalResponse;

void report(Harness& h, sfu::PeerId peer, sfu::PeerState state) {
    sfu::PeerStateChanged event;
    event.peer = peer;
    event.state = state;
    if (state == sfu::PeerState::kFailed) event.failure = sfu::PeerFailure::kIce;
    h.event(event);
}

JoinParams resumed(const std::string& identity) {
    JoinParams params = test_join("r", identity);
    params.reconnect = true;
    return params;
}

void set_recorder(Harness& h, const std::string& identity, bool recorder) {
    livekit::UpdateParticipantRequest request;
    request.set_room("r");
    request.set_identity(identity);
    auto& permission = *request.mutable_permission();
    permission.set_can_subscribe(true);
    permission.set_can_publish(true);
    permission.set_recorder(recorder);
    REQUIRE(h.manager.update_participant(h.clock(), request));
    h.drain();
}

void leave(Harness& h, SessionId session) {
    livekit::SignalRequest request;
    request.mutable_leave();
    h.send(session, request);
}

}  // namespace

TEST_CASE(
    "Resumed, and media never comes back: the participant leaves, the room closes [SIG-145]") {
    for (const bool single : {false, true}) {
        CAPTURE(single);
        Harness h;
        JoinParams params = test_join("r", "alice");
        params.single_connection = single;
        if (single) {
            params.publisher_offer.emplace();
            params.publisher_offer->set_type("offer");
            params.publisher_offer->set_sdp(testing::make_offer({}));
        }
        (void)h.join(params);
        const sfu::PeerId peer = h.commands_of<sfu::CreatePeer>()[0].peer;
        report(h, peer, sfu::PeerState::kFailed);
        h.advance(Duration::seconds(2));
        const SessionId again = h.join(resumed("alice"));
        CHECK(h.count(again, R::kReconnect) == 1);
        h.advance(Presence::kRecoverWindow - Duration::millis(1));
        CHECK(h.manager.snapshot().participants == 1);
        h.advance(Duration::millis(1));
        CHECK(h.manager.snapshot().participants == 0);
        const livekit::LeaveRequest leave = h.of(again, R::kLeave).back().leave();
        CHECK(leave.reason() == livekit::CONNECTION_TIMEOUT);
        // It is there, and after DISCONNECT it would stay away for good.
        CHECK(leave.action() == livekit::LeaveRequest::RECONNECT);
        h.advance(Duration::seconds(21));
        CHECK_FALSE(h.manager.has_room("r"));
    }
}

TEST_CASE("Resumed, and media comes back: the participant stays [SIG-145] [SIG-160]") {
    for (const auto back : {sfu::PeerState::kReconnected, sfu::PeerState::kConnected}) {
        Harness h;
        (void)h.join_active("r", "alice");
        const sfu::PeerId peer = h.commands_of<sfu::CreatePeer>()[0].peer;
        report(h, peer, sfu::PeerState::kFailed);
        h.advance(Duration::seconds(2));
        (void)h.join(resumed("alice"));
        h.advance(Duration::seconds(3));
        report(h, peer, back);
        h.advance(Duration::seconds(600));
        CHECK(h.manager.snapshot().participants == 1);
    }
}

TEST_CASE("Resumes without media do not go on for ever [SIG-145]") {
    Harness h;
    (void)h.join_active("r", "alice");
    const sfu::PeerId peer = h.commands_of<sfu::CreatePeer>()[0].peer;
    report(h, peer, sfu::PeerState::kFailed);
    const Timestamp lost = h.now;
    while (h.manager.snapshot().participants == 1 && h.now - lost < Duration::seconds(600)) {
        const SessionId again = h.join(resumed("alice"));
        h.advance(Duration::seconds(4));
        h.close(again);
    }
    CHECK(h.now - lost <= Presence::kMaxWithoutMedia + Duration::seconds(4));
}

TEST_CASE(
    "Signalling lost while media is gone: nothing keeps the participant [SIG-145] [SIG-149]") {
    Harness h;
    (void)h.join_active("r", "alice");
    const sfu::PeerId peer = h.commands_of<sfu::CreatePeer>()[0].peer;
    report(h, peer, sfu::PeerState::kFailed);
    const SessionId again = h.join(resumed("alice"));
    h.advance(Duration::seconds(1));
    h.close(again);
    h.advance(Presence::kRecoverWindow);
    CHECK(h.manager.snapshot().participants == 0);
}

TEST_CASE("Made recorder before it leaves: the room closes [ROOM-05] [SIG-138]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    set_recorder(h, "alice", true);
    leave(h, alice);
    h.advance(Duration::seconds(21));
    CHECK_FALSE(h.manager.has_room("r"));
}

TEST_CASE("The last ordinary participant becomes a recorder: the room closes [ROOM-05] [SIG-138]") {
    Harness h;
    (void)h.join_active("r", "alice");
    h.advance(Duration::seconds(100));
    set_recorder(h, "alice", true);
    h.advance(Duration::seconds(19));
    CHECK(h.manager.has_room("r"));
    h.advance(Duration::seconds(2));
    CHECK_FALSE(h.manager.has_room("r"));
}

TEST_CASE("A recorder made ordinary keeps the room open [ROOM-05] [ROOM-06] [SIG-138]") {
    Config config = test_config();
    config.room.max_participants = 2;
    Harness h(config);
    JoinParams params = test_join("r", "recorder");
    params.grants.video->recorder = true;
    (void)h.join(params);
    const SessionId bob = h.join_active("r", "bob");
    set_recorder(h, "recorder", false);
    CHECK(h.refused.contains(h.join(test_join("r", "one too many"))));
    leave(h, bob);
    h.advance(Duration::seconds(400));
    CHECK(h.manager.has_room("r"));
    livekit::ListRoomsResponse rooms = h.manager.list_rooms({});
    REQUIRE(rooms.rooms_size() == 1);
    CHECK(rooms.rooms(0).num_participants() == 1);
}

TEST_CASE("A full room takes nobody ordinary in an agent's place [ROOM-06] [SIG-138]") {
    Config config = test_config();
    config.room.max_participants = 2;
    Harness h(config);
    JoinParams agent = test_join("r", "helper");
    agent.grants.kind = livekit::ParticipantInfo::AGENT;
    (void)h.join(agent);
    (void)h.join_active("r", "alice");
    (void)h.join_active("r", "bob");
    const SessionId taken = h.join(test_join("r", "helper"));
    REQUIRE(h.refused.contains(taken));
    CHECK(h.refused.at(taken).status == 403);
    // Who counts already may come again, and so may the agent.
    CHECK_FALSE(h.refused.contains(h.join(test_join("r", "bob"))));
    CHECK_FALSE(h.refused.contains(h.join(agent)));
    CHECK(h.manager.list_rooms({}).rooms(0).num_participants() == 2);
}

TEST_CASE("A call to a room whose time is over answers with that room, then ends it [API-08]") {
    Harness h;
    livekit::CreateRoomRequest create;
    create.set_name("r");
    create.set_empty_timeout(10);
    REQUIRE(h.manager.create_room(h.clock(), create));
    h.now = h.now + Duration::seconds(11);  // the timeout comes late
    livekit::UpdateRoomMetadataRequest update;
    update.set_room("r");
    update.set_metadata(std::string(1'000, 'm'));
    const auto answer = h.manager.update_room_metadata(h.clock(), update);
    REQUIRE(answer);
    CHECK(answer->name() == "r");
    CHECK(answer->metadata() == update.metadata());
    CHECK_FALSE(h.manager.has_room("r"));
}

// The news went into the old connection, which was dead without the server knowing.
TEST_CASE(
    "Resumed: who left while nobody read is told again, the hidden are not [SIG-63] [SIG-160]") {
    Harness h;
    (void)h.join_active("r", "alice");
    const SessionId bob = h.join_active("r", "bob");
    JoinParams params = test_join("r", "ghost");
    params.grants.video->hidden = true;
    const SessionId ghost = h.join(params);
    leave(h, ghost);
    leave(h, bob);
    h.advance(Duration::seconds(3));
    const SessionId again = h.join(resumed("alice"));
    std::vector<std::string> gone;
    for (const livekit::SignalResponse& response : h.of(again, R::kUpdate))
        for (const livekit::ParticipantInfo& info : response.update().participants())
            if (info.state() == livekit::ParticipantInfo::DISCONNECTED)
                gone.push_back(info.identity());
    CHECK(gone == std::vector<std::string>{"bob"});
}

// livekit-client knows people by identity: it would let go of who is there.
TEST_CASE("Resumed: who left and came back meanwhile is not told as gone [SIG-133] [SIG-160]") {
    for (const bool hidden : {false, true}) {
        CAPTURE(hidden);
        Harness h;
        (void)h.join_active("r", "alice");
        leave(h, h.join_active("r", "bob"));
        JoinParams back = test_join("r", "bob");
        back.grants.video->hidden = hidden;
        (void)h.join(back);
        h.advance(Duration::seconds(3));
        const SessionId again = h.join(resumed("alice"));
        std::vector<livekit::ParticipantInfo::State> told;
        for (const livekit::SignalResponse& response : h.of(again, R::kUpdate))
            for (const livekit::ParticipantInfo& info : response.update().participants())
                if (info.identity() == "bob") told.push_back(info.state());
        REQUIRE(told.size() == 1);
        CHECK((told[0] == livekit::ParticipantInfo::DISCONNECTED) == hidden);
    }
}

TEST_CASE("A lost path is resumed, a failed handshake is begun anew [SIG-145] [SIG-149]") {
    const std::pair<sfu::PeerFailure, livekit::LeaveRequest::Action> kinds[] = {
        {sfu::PeerFailure::kIce, livekit::LeaveRequest::RESUME},
        {sfu::PeerFailure::kDtls, livekit::LeaveRequest::RECONNECT},
        {sfu::PeerFailure::kFingerprint, livekit::LeaveRequest::RECONNECT},
    };
    for (const auto& [failure, action] : kinds) {
        CAPTURE(static_cast<int>(failure));
        Harness h;
        const SessionId alice = h.join_active("r", "alice");
        sfu::PeerStateChanged event;
        event.peer = h.commands_of<sfu::CreatePeer>()[0].peer;
        event.state = sfu::PeerState::kFailed;
        event.failure = failure;
        h.event(event);
        REQUIRE(h.of(alice, R::kLeave).size() == 1);
        CHECK(h.of(alice, R::kLeave)[0].leave().action() == action);
    }
}

}  // namespace confab::room
