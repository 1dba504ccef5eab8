// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant moves to another room with its session, its connections and its tracks: through
// RoomManager's calls and events.
#include <doctest/doctest.h>

#include <algorithm>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_config;
using testing::test_join;
using R = livekit::SignalResponse;

ServiceResult<livekit::MoveParticipantResponse> move(Harness& h, const std::string& identity,
                                                     const std::string& from,
                                                     const std::string& to) {
    livekit::MoveParticipantRequest request;
    request.set_room(from);
    request.set_identity(identity);
    request.set_destination_room(to);
    auto moved = h.manager.relocations(h.clock()).move(request);
    h.advance(Duration::millis(300));
    return moved;
}
std::string refusal(const ServiceResult<livekit::MoveParticipantResponse>& moved) {
    return moved ? "moved" : moved.error().text;
}

// The last that was told of somebody.
livekit::ParticipantInfo seen(Harness& h, SessionId by, const std::string& identity) {
    livekit::ParticipantInfo result;
    for (const R& message : h.of(by, R::kUpdate))
        for (const auto& info : message.update().participants())
            if (info.identity() == identity) result = info;
    return result;
}
std::vector<std::string> identities(Harness& h, const std::string& room) {
    livekit::ListParticipantsRequest request;
    request.set_room(room);
    std::vector<std::string> result;
    const auto list = h.manager.list_participants(request);
    for (const auto& info : list.participants())
        result.push_back(info.identity());
    return result;
}
livekit::Room room_of(Harness& h, const std::string& name) {
    livekit::ListRoomsRequest request;
    request.add_names(name);
    return h.manager.list_rooms(request).rooms(0);
}
using Names = std::vector<std::string>;
std::string sid_of(Harness& h, const std::string& room, const std::string& identity) {
    livekit::RoomParticipantIdentity request;
    request.set_room(room);
    request.set_identity(identity);
    return h.manager.get_participant(request)->sid();
}
SessionId resume(Harness& h, const std::string& identity, const std::string& room,
                 const std::string& sid) {
    JoinParams params = test_join(room, identity);
    params.reconnect = true;
    params.participant_sid = sid;
    return h.join(params);
}

// alice publishes in r, where bob hears her; carol waits in s.
struct Call {
    explicit Call(Config config = test_config())
        : h(std::move(config)),
          alice(h.join_active("r", "alice")),
          bob(h.join_active("r", "bob")),
          carol(h.join_active("s", "carol")) {
        h.publish(alice, "mic", false);
        h.advance(Duration::seconds(1));
        for (const SessionId session : {alice, bob, carol})
            (void)h.take(session);
        h.commands.clear();
        h.webhooks.clear();
    }
    Harness h;
    SessionId alice;
    SessionId bob;
    SessionId carol;
};

}  // namespace

TEST_CASE("Move: it leaves one room and is in the other, for all of both [API-12] [SIG-50]") {
    Call c;
    REQUIRE(move(c.h, "alice", "r", "s"));
    CHECK(identities(c.h, "r") == Names{"bob"});
    CHECK(identities(c.h, "s") == Names{"alice", "carol"});
    CHECK(room_of(c.h, "r").num_publishers() == 0);
    CHECK(room_of(c.h, "s").num_publishers() == 1);
    const livekit::ParticipantInfo gone = seen(c.h, c.bob, "alice");
    CHECK(gone.state() == livekit::ParticipantInfo::DISCONNECTED);
    CHECK(gone.disconnect_reason() == livekit::MIGRATION);
    const livekit::ParticipantInfo here = seen(c.h, c.carol, "alice");
    CHECK(here.state() == livekit::ParticipantInfo::ACTIVE);
    REQUIRE(here.tracks_size() == 1);
    CHECK(here.is_publisher());
    CHECK(here.sid() != gone.sid());
    CHECK(c.h.webhook_names() ==
          Names{"track_unpublished", "participant_left", "participant_joined", "track_published"});
    CHECK(c.h.webhooks[1].room().name() == "r");
    CHECK(c.h.webhooks[2].room().name() == "s");
    CHECK(c.h.webhooks[2].participant().state() == livekit::ParticipantInfo::ACTIVE);
}

TEST_CASE("Move: the client hears who is gone, then where it is, with a token [SIG-50]") {
    Config config = test_config();
    config.mint_token = [](const token::Grants& grants) {
        return grants.identity + "@" + grants.video->room;
    };
    Call c(std::move(config));
    REQUIRE(move(c.h, "alice", "r", "s"));
    const auto told = c.h.sent(c.alice);
    const auto first =
        std::find_if(told.begin(), told.end(), [](const R& m) { return m.has_room_moved(); });
    REQUIRE(first != told.end());
    CHECK(c.h.count(c.alice, R::kRoomMoved) == 1);
    const auto farewell =
        std::find_if(told.begin(), first, [](const R& m) { return m.has_update(); });
    REQUIRE(farewell != first);
    REQUIRE(farewell->update().participants_size() == 1);
    CHECK(farewell->update().participants(0).identity() == "bob");
    CHECK(farewell->update().participants(0).state() == livekit::ParticipantInfo::DISCONNECTED);
    const livekit::RoomMovedResponse& moved = first->room_moved();
    CHECK(moved.room().name() == "s");
    CHECK(moved.room().sid() == room_of(c.h, "s").sid());
    CHECK(moved.token() == "alice@s");
    CHECK(moved.participant().identity() == "alice");
    CHECK(moved.participant().tracks_size() == 1);
    REQUIRE(moved.other_participants_size() == 1);
    CHECK(moved.other_participants(0).identity() == "carol");
    CHECK(c.h.closed.empty());
    // Rust clients take it from here alone.
    const auto token =
        std::find_if(first, told.end(), [](const R& m) { return m.has_refresh_token(); });
    REQUIRE(token != told.end());
    CHECK(token->refresh_token() == "alice@s");
    CHECK(c.h.count(c.alice, R::kRefreshToken) == 1);
    // Every later token is for the new room.
    (void)c.h.take(c.alice);
    c.h.advance(Sessions::kRefreshInterval);
    REQUIRE(c.h.count(c.alice, R::kRefreshToken) == 1);
    CHECK(c.h.of(c.alice, R::kRefreshToken)[0].refresh_token() == "alice@s");
}

TEST_CASE("Move: connections and receivers live on, subscriptions end and begin [API-12]") {
    Call c;
    c.h.publish(c.carol, "cam", true);
    c.h.advance(Duration::seconds(1));
    c.h.commands.clear();
    REQUIRE(move(c.h, "alice", "r", "s"));
    c.h.advance(Duration::seconds(1));
    CHECK(c.h.commands_of<sfu::ClosePeer>().empty());
    CHECK(c.h.commands_of<sfu::CreatePeer>().empty());
    CHECK(c.h.commands_of<sfu::RemoveReceiver>().empty());
    CHECK(c.h.commands_of<sfu::RemoveDownTrack>().size() == 1);  // bob's of alice
    const auto receivers = c.h.commands_of<sfu::MoveReceiver>();
    REQUIRE(receivers.size() == 1);
    const auto added = c.h.commands_of<sfu::AddDownTrack>();
    REQUIRE(added.size() == 2);
    CHECK(std::count_if(added.begin(), added.end(), [&](const sfu::AddDownTrack& add) {
              return add.receiver == receivers[0].receiver;
          }) == 1);
    // Data goes to it as a member of the new room, on the connection that it had.
    const auto gone = c.h.commands_of<sfu::DataMemberGone>();
    REQUIRE(gone.size() == 1);
    const auto members = c.h.commands_of<sfu::DataMember>();
    const auto member = std::find_if(members.begin(), members.end(),
                                     [](const auto& m) { return m.identity == "alice"; });
    REQUIRE(member != members.end());
    CHECK(member->room != gone[0].room);
    CHECK(member->room == receivers[0].room);
    CHECK(member->peer != sfu::PeerId());
    // Events of its connections find it.
    c.h.event(sfu::PeerStateChanged{
        member->peer, sfu::PeerState::kFailed, sfu::PeerFailure::kIce, {}, {}});
    c.h.advance(Duration::seconds(30));
    CHECK(identities(c.h, "s") == Names{"carol"});
}

TEST_CASE("Move: back again, and what is left behind is nothing [API-12] [ROOM-05]") {
    Call c;
    for (int i = 0; i < 3; ++i) {
        REQUIRE(move(c.h, "alice", "r", "s"));
        REQUIRE(move(c.h, "alice", "s", "r"));
    }
    CHECK(seen(c.h, c.bob, "alice").state() == livekit::ParticipantInfo::ACTIVE);
    CHECK(seen(c.h, c.carol, "alice").state() == livekit::ParticipantInfo::DISCONNECTED);
    REQUIRE(move(c.h, "bob", "r", "s"));
    REQUIRE(move(c.h, "alice", "r", "new"));
    c.h.advance(Duration::seconds(30));
    CHECK_FALSE(c.h.manager.has_room("r"));  // which asserts that it is empty
    CHECK(identities(c.h, "new") == Names{"alice"});
    c.h.close(c.alice);
    c.h.advance(Duration::seconds(30));
}

TEST_CASE("Move: there and back between two offers, tracks have other sections [API-12] [SDP-07]") {
    Call c;
    JoinParams params = test_join("r", "dave");
    params.single_connection = true;
    params.publisher_offer.emplace();
    params.publisher_offer->set_sdp(testing::make_offer({}, 1));
    const SessionId dave = c.h.join(params);
    c.h.advance(Duration::seconds(1));
    const auto shown = [&] { return c.h.of(dave, R::kAnswer).back().answer().mid_to_track_id(); };
    CHECK(shown().contains("1"));
    REQUIRE(move(c.h, "dave", "r", "s"));
    REQUIRE(move(c.h, "dave", "s", "r"));
    c.h.offer(dave, testing::make_offer({}, 2), 2);
    CHECK(shown().size() == 1);
    CHECK(shown().contains("2"));
}

TEST_CASE("Move: what it asks and what is asked of it goes to the new room [API-12] [API-06]") {
    Call c;
    REQUIRE(move(c.h, "alice", "r", "s"));
    const std::string sid = seen(c.h, c.carol, "alice").tracks(0).sid();
    livekit::SignalRequest mute;
    mute.mutable_mute()->set_sid(sid);
    mute.mutable_mute()->set_muted(true);
    c.h.send(c.alice, mute);
    CHECK(seen(c.h, c.carol, "alice").tracks(0).muted());
    livekit::MuteRoomTrackRequest remote;
    remote.set_room("s");
    remote.set_identity("alice");
    remote.set_track_sid(sid);
    remote.set_muted(true);
    CHECK(c.h.manager.mute_published_track(c.h.clock(), remote)->track().sid() == sid);
    remote.set_room("r");
    CHECK_FALSE(c.h.manager.mute_published_track(c.h.clock(), remote));
    livekit::SignalRequest leave;
    leave.mutable_leave();
    c.h.send(c.alice, leave);
    CHECK(identities(c.h, "s") == Names{"carol"});
}

TEST_CASE("Move: a resume goes on in the new room, wherever the client believes to be [API-12]") {
    for (const char* believed : {"s", "r"}) {
        Call c;
        CAPTURE(believed);
        REQUIRE(move(c.h, "alice", "r", "s"));
        JoinParams params = test_join(believed, "alice");
        params.reconnect = true;
        params.participant_sid = seen(c.h, c.bob, "alice").sid();  // of before
        if (std::string(believed) == "s") {
            params.participant_sid =
                c.h.of(c.alice, R::kRoomMoved)[0].room_moved().participant().sid();
            CHECK(params.participant_sid == seen(c.h, c.carol, "alice").sid());
        }
        const SessionId again = c.h.join(params);
        const auto& told = c.h.sent(again);
        REQUIRE(told.size() > 1);
        CHECK(told[0].has_reconnect());
        CHECK(told[1].has_room_moved() == (std::string(believed) == "r"));
        CHECK(told[1].has_room_moved() ==
              (seen(c.h, again, "bob").state() == livekit::ParticipantInfo::DISCONNECTED));
        CHECK(seen(c.h, again, "carol").state() == livekit::ParticipantInfo::ACTIVE);
        CHECK(c.h.count(again, R::kLeave) == 0);
        livekit::SignalRequest leave;
        leave.mutable_leave();
        c.h.send(again, leave);
        CHECK(identities(c.h, "s") == Names{"carol"});
    }
    // Without its sid, or under another, it is nobody there.
    for (const char* sid : {"", "PA_other"}) {
        Call c;
        REQUIRE(move(c.h, "alice", "r", "s"));
        JoinParams params = test_join("r", "alice");
        params.reconnect = true;
        params.participant_sid = sid;
        CHECK(c.h.count(c.h.join(params), R::kLeave) == 1);
        CHECK(identities(c.h, "s") == Names{"alice", "carol"});
    }
}

TEST_CASE("Move: who did not hear of it has a room though the old one is gone [API-12] [CON-32]") {
    Call c;
    JoinParams params = test_join("r", "alice");
    params.participant_sid = sid_of(c.h, "r", "alice");
    REQUIRE(move(c.h, "alice", "r", "s"));
    livekit::DeleteRoomRequest request;
    request.set_room("r");
    REQUIRE(c.h.manager.delete_room(c.h.clock(), request));
    CHECK_FALSE(has_room_for(c.h.manager, params));  // a join is no resume
    params.reconnect = true;
    CHECK(has_room_for(c.h.manager, params));
    params.grants.identity = "bob";
    CHECK_FALSE(has_room_for(c.h.manager, params));
}

TEST_CASE("Move: who did not hear of it is told who left the old room before it, too [API-12]") {
    Call c;
    const SessionId dave = c.h.join_active("r", "dave");
    const std::string sid = sid_of(c.h, "r", "alice");
    livekit::SignalRequest leave;
    leave.mutable_leave();
    c.h.send(dave, leave);  // which went into a connection that was dead
    c.h.advance(Duration::seconds(5));
    REQUIRE(move(c.h, "alice", "r", "s"));
    const SessionId again = resume(c.h, "alice", "r", sid);
    CHECK(c.h.count(again, R::kRoomMoved) == 1);
    for (const char* gone : {"bob", "dave"})
        CHECK(seen(c.h, again, gone).state() == livekit::ParticipantInfo::DISCONNECTED);
    // Who came after it is there.
    REQUIRE(move(c.h, "bob", "r", "s"));
    const SessionId once_more = resume(c.h, "alice", "r", sid);
    CHECK(c.h.count(once_more, R::kRoomMoved) == 1);
    CHECK(seen(c.h, once_more, "bob").state() == livekit::ParticipantInfo::ACTIVE);
}

TEST_CASE("Move: many moves, and a resume by any sid from any of the rooms finds it [API-12]") {
    Call c;
    std::vector<std::pair<std::string, std::string>> was;  // room and sid
    std::string room = "r";
    const auto move_on = [&](const std::string& to) {
        was.emplace_back(room, sid_of(c.h, room, "alice"));
        REQUIRE(move(c.h, "alice", room, to));
        room = to;
    };
    move_on("s");
    move_on("t");
    for (const auto& [believed, sid] : was) {
        CAPTURE(believed);
        const SessionId again = resume(c.h, "alice", believed, sid);
        CHECK(c.h.count(again, R::kLeave) == 0);
        REQUIRE(c.h.count(again, R::kRoomMoved) == 1);
        CHECK(c.h.of(again, R::kRoomMoved)[0].room_moved().room().name() == "t");
    }
    for (std::size_t i = 0; i <= Participant::kMaxEarlierSids; ++i)
        move_on("u" + std::to_string(i));
    // The sid of the join is known for ever, of the others the newest are.
    const SessionId again = resume(c.h, "alice", "r", was[0].second);
    CHECK(c.h.count(again, R::kRoomMoved) == 1);
    CHECK(c.h.count(resume(c.h, "alice", room, was[0].second), R::kLeave) == 0);
    CHECK(c.h.count(resume(c.h, "alice", "t", was.back().second), R::kRoomMoved) == 1);
    CHECK(c.h.count(resume(c.h, "alice", "s", was[1].second), R::kLeave) == 1);
    CHECK(identities(c.h, room) == Names{"alice"});
}

TEST_CASE("Move: there and back unheard is told, what was heard of is not [API-12] [SIG-160]") {
    Call c;
    const std::string sid = sid_of(c.h, "r", "alice");
    REQUIRE(move(c.h, "alice", "r", "s"));
    REQUIRE(move(c.h, "alice", "s", "r"));
    const SessionId again = resume(c.h, "alice", "r", sid);
    REQUIRE(c.h.count(again, R::kRoomMoved) == 1);
    const livekit::RoomMovedResponse moved = c.h.of(again, R::kRoomMoved)[0].room_moved();
    CHECK(moved.room().name() == "r");
    CHECK(moved.participant().sid() == sid_of(c.h, "r", "alice"));
    REQUIRE(moved.other_participants_size() == 1);
    CHECK(seen(c.h, again, "bob").state() == livekit::ParticipantInfo::ACTIVE);
    CHECK(seen(c.h, again, "carol").state() == livekit::ParticipantInfo::DISCONNECTED);
    // It names the sid that it was told with the move.
    CHECK(c.h.count(resume(c.h, "alice", "r", moved.participant().sid()), R::kRoomMoved) == 0);
    // One that names the sid of its join for ever was heard since: it heard, too.
    c.h.advance(Duration::seconds(60));
    const SessionId later = resume(c.h, "alice", "r", sid);
    livekit::SignalRequest ping;
    ping.set_ping(1);
    c.h.send(later, ping);
    CHECK(c.h.count(resume(c.h, "alice", "r", sid), R::kRoomMoved) == 0);
}

TEST_CASE("Move: its deadlines are those of the new room when the old one ends with it [ROOM-05]") {
    Config config = test_config();
    config.room.departure_timeout = 0;
    config.mint_token = [](const token::Grants& grants) { return grants.identity; };
    Call c(std::move(config));
    livekit::SignalRequest leave;
    leave.mutable_leave();
    c.h.send(c.bob, leave);
    REQUIRE(move(c.h, "alice", "r", "s"));
    CHECK_FALSE(c.h.manager.has_room("r"));
    (void)c.h.take(c.alice);
    c.h.advance(Sessions::kRefreshInterval);
    CHECK(c.h.count(c.alice, R::kRefreshToken) == 1);
    const auto members = c.h.commands_of<sfu::DataMember>();
    const auto member = std::find_if(members.begin(), members.end(),
                                     [](const auto& m) { return m.identity == "alice"; });
    REQUIRE(member != members.end());
    c.h.event(sfu::PeerStateChanged{
        member->peer, sfu::PeerState::kFailed, sfu::PeerFailure::kIce, {}, {}});
    c.h.advance(Duration::seconds(30));
    CHECK(identities(c.h, "s") == Names{"carol"});
}

TEST_CASE("Move: who has its name there is replaced [API-12] [SIG-140]") {
    Call c;
    const SessionId other = c.h.join_active("s", "alice");
    REQUIRE(move(c.h, "alice", "r", "s"));
    REQUIRE(c.h.count(other, R::kLeave) == 1);
    CHECK(c.h.of(other, R::kLeave)[0].leave().reason() == livekit::DUPLICATE_IDENTITY);
    CHECK(identities(c.h, "s") == Names{"alice", "carol"});
    CHECK(c.h.count(c.alice, R::kLeave) == 0);
}

TEST_CASE("Move: what it was given beside its rooms ends with it, not before [API-12]") {
    Call c;
    REQUIRE(move(c.h, "alice", "r", "s"));
    REQUIRE(move(c.h, "alice", "s", "r"));
    CHECK(c.h.over.empty());
    const std::string here = seen(c.h, c.bob, "alice").sid();
    livekit::SignalRequest leave;
    leave.mutable_leave();
    c.h.send(c.alice, leave);
    REQUIRE(c.h.over.size() == 3);
    CHECK(c.h.over[0] == here);
    CHECK(c.h.over[1] != c.h.over[2]);
}

TEST_CASE("Move: agents for it are asked for in the new room, no more in the old [DSP-21]") {
    Config config = test_config();
    config.agents_listen = true;
    Call c(std::move(config));
    c.h.manager.set_agents(c.h.clock(), {{livekit::JT_PUBLISHER, "", "", ""}});
    c.h.drain();
    const auto launched = [&] {
        std::vector<livekit::Job> jobs;
        for (const Effect& effect : c.h.stored)
            if (const auto* job = std::get_if<LaunchAgentJob>(&effect)) jobs.push_back(job->job);
        return jobs;
    };
    REQUIRE(launched().size() == 1);
    const std::string before = launched()[0].id();
    REQUIRE(move(c.h, "alice", "r", "s"));
    CHECK(std::count_if(c.h.stored.begin(), c.h.stored.end(), [&](const Effect& effect) {
              const auto* ended = std::get_if<EndAgentJob>(&effect);
              return ended != nullptr && ended->job == before;
          }) == 1);
    REQUIRE(launched().size() == 2);
    CHECK(launched()[1].room().name() == "s");
    CHECK(launched()[1].participant().sid() == seen(c.h, c.carol, "alice").sid());
    REQUIRE(move(c.h, "alice", "s", "r"));
    CHECK(launched().size() == 3);
}

TEST_CASE("Move: refused without a change, with what to do [API-12]") {
    Call c;
    CHECK(refusal(move(c.h, "nobody", "r", "s")) == "participant does not exist");
    CHECK(refusal(move(c.h, "alice", "nowhere", "s")) == "participant does not exist");
    CHECK(refusal(move(c.h, "alice", "r", "")) == "destination room is required");
    CHECK(refusal(move(c.h, "alice", "r", "r")).find("cannot be the same") != std::string::npos);
    JoinParams old = test_join("r", "old");
    old.client.set_protocol(15);
    (void)c.h.join(old);
    CHECK(refusal(move(c.h, "old", "r", "s")).find("protocol 16") != std::string::npos);
    (void)c.h.join(test_join("r", "coming"));  // never connects
    c.h.auto_connect = false;
    (void)c.h.join(test_join("r", "joining"));
    CHECK(refusal(move(c.h, "joining", "r", "s")).find("try again") != std::string::npos);
    c.h.close(c.alice);  // gone for a moment, may resume
    CHECK(refusal(move(c.h, "alice", "r", "s")).find("try again") != std::string::npos);
    livekit::CreateRoomRequest full;
    full.set_name("full");
    full.set_max_participants(1);
    REQUIRE(c.h.manager.create_room(c.h.clock(), full));
    REQUIRE(move(c.h, "carol", "s", "full"));
    CHECK(refusal(move(c.h, "bob", "r", "full")).find("the room is full") != std::string::npos);
    const Names in_r = identities(c.h, "r");
    CHECK(std::count(in_r.begin(), in_r.end(), "bob") == 1);
    CHECK(c.h.count(c.bob, R::kRoomMoved) == 0);
}

TEST_CASE("Move: a room that is not there is made, where a join would make it [API-12]") {
    Config config = test_config();
    config.room.auto_create = false;
    Harness h(std::move(config));
    for (const char* name : {"r", "s"}) {
        livekit::CreateRoomRequest create;
        create.set_name(name);
        REQUIRE(h.manager.create_room(h.clock(), create));
    }
    (void)h.join_active("r", "alice");
    CHECK(refusal(move(h, "alice", "r", "nowhere")) == "requested room does not exist");
    CHECK_FALSE(h.manager.has_room("nowhere"));
    CHECK(move(h, "alice", "r", "s"));
}

// ---------------------------------------------------------------- to a room of another node

namespace {

livekit::Room elsewhere(std::uint32_t participants = 0, std::uint32_t limit = 0) {
    livekit::Room room;
    room.set_name("there");
    room.set_sid("RM_there");
    room.set_num_participants(participants);
    room.set_max_participants(limit);
    return room;
}
std::string send_away(Harness& h, const std::string& identity, const livekit::Room& to) {
    auto sent = h.manager.relocations(h.clock()).send_away("r", identity, to);
    h.advance(Duration::millis(300));
    return refusal(sent);
}
Config minting() {
    Config config = test_config();
    config.mint_token = [](const token::Grants& grants) {
        return grants.identity + "@" + grants.video->room;
    };
    return config;
}

}  // namespace

TEST_CASE("Move: to another node: it is told where, with a token, and to connect anew [API-12]") {
    Call c(minting());
    CHECK(send_away(c.h, "alice", elsewhere()) == "moved");
    std::vector<R::MessageCase> order;
    for (const R& message : c.h.sent(c.alice))
        order.push_back(message.message_case());
    CHECK(order ==
          std::vector<R::MessageCase>{R::kUpdate, R::kRoomMoved, R::kRefreshToken, R::kLeave});
    const livekit::ParticipantInfo farewell = seen(c.h, c.alice, "bob");
    CHECK(farewell.state() == livekit::ParticipantInfo::DISCONNECTED);
    const livekit::RoomMovedResponse moved = c.h.of(c.alice, R::kRoomMoved)[0].room_moved();
    CHECK(moved.room().name() == "there");
    CHECK(moved.room().sid() == "RM_there");
    CHECK(moved.token() == "alice@there");
    CHECK(moved.participant().identity() == "alice");
    CHECK(moved.other_participants_size() == 0);
    CHECK(c.h.of(c.alice, R::kRefreshToken)[0].refresh_token() == "alice@there");
    const livekit::LeaveRequest leave = c.h.of(c.alice, R::kLeave)[0].leave();
    CHECK(leave.action() == livekit::LeaveRequest::RECONNECT);
    CHECK(leave.reason() == livekit::MIGRATION);
    CHECK(c.h.closed.contains(c.alice));
    // The room it left is as after any departure.
    CHECK(identities(c.h, "r") == Names{"bob"});
    const livekit::ParticipantInfo gone = seen(c.h, c.bob, "alice");
    CHECK(gone.state() == livekit::ParticipantInfo::DISCONNECTED);
    CHECK(gone.disconnect_reason() == livekit::MIGRATION);
    CHECK(c.h.webhook_names() == Names{"track_unpublished", "participant_left"});
    CHECK_FALSE(c.h.manager.has_room("there"));
}

TEST_CASE(
    "Move: to another node it is refused where it would be here, and nothing changes "
    "[API-12]") {
    Call c(minting());
    CHECK(send_away(c.h, "nobody", elsewhere()) == "participant does not exist");
    JoinParams old = test_join("r", "old");
    old.client.set_protocol(15);
    (void)c.h.join(old);
    CHECK(send_away(c.h, "old", elsewhere()).find("protocol 16") != std::string::npos);
    CHECK(send_away(c.h, "bob", elsewhere(2, 2)) == "the room is full (max_participants is 2)");
    c.h.close(c.alice);  // gone for a moment, may resume
    CHECK(send_away(c.h, "alice", elsewhere()).find("try again") != std::string::npos);
    CHECK(c.h.count(c.bob, R::kRoomMoved) == 0);
    CHECK(c.h.count(c.bob, R::kLeave) == 0);
    CHECK(send_away(c.h, "bob", elsewhere(1, 2)) == "moved");
}

TEST_CASE("Move: to another node without a key for its token: it stays, in its room [API-12]") {
    Config config = test_config();
    std::string key;
    config.mint_token = [&key](const token::Grants& grants) {
        return key.empty() ? "" : key + "@" + grants.video->room;
    };
    Call c(std::move(config));
    CHECK(send_away(c.h, "alice", elsewhere()).find("no key") != std::string::npos);
    CHECK(identities(c.h, "r") == Names{"alice", "bob"});
    CHECK(c.h.sent(c.alice).empty());
    key = "k";
    c.h.advance(Sessions::kRefreshInterval);
    REQUIRE(c.h.count(c.alice, R::kRefreshToken) == 1);
    CHECK(c.h.of(c.alice, R::kRefreshToken)[0].refresh_token() == "k@r");
}

}  // namespace confab::room
