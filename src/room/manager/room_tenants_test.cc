// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rooms of one name in several tenants: RoomManager finds them by their keys and shows their names.
#include <doctest/doctest.h>

#include <algorithm>

#include "room/agents/dispatch_testing.h"
#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::AgentWorld;
using testing::Harness;
using testing::test_join;
using R = livekit::SignalResponse;

const std::string kAcme = token::room_key("acme", "r");
const std::string kGlobex = token::room_key("globex", "r");

JoinParams join_of(const std::string& tenant, const std::string& identity) {
    JoinParams params = test_join("r", identity);
    params.room = token::room_key(tenant, "r");
    params.grants.tenant = tenant;
    return params;
}
livekit::Room create(Harness& h, const std::string& key) {
    livekit::CreateRoomRequest request;
    request.set_name(key);
    const auto made = h.manager.create_room(h.clock(), request);
    REQUIRE(made);
    h.drain();
    return *made;
}
std::vector<std::string> names(const livekit::ListRoomsResponse& list) {
    std::vector<std::string> result;
    for (const livekit::Room& room : list.rooms())
        result.push_back(room.name() + " " + std::to_string(room.num_participants()));
    return result;
}
std::size_t people(Harness& h, const std::string& key) {
    livekit::ListParticipantsRequest request;
    request.set_room(key);
    return static_cast<std::size_t>(h.manager.list_participants(request).participants_size());
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("RoomManager: rooms of one name are apart, and shown by it [TEN-03]") {
    Harness h;
    const livekit::Room acme = create(h, kAcme);
    const livekit::Room globex = create(h, kGlobex);
    CHECK(acme.name() == "r");
    CHECK(globex.name() == "r");
    CHECK(acme.sid() != globex.sid());
    (void)create(h, "r");
    const SessionId alice = h.join(join_of("acme", "alice"));
    const SessionId other = h.join(join_of("globex", "alice"));
    h.drain();
    for (const SessionId session : {alice, other}) {
        const auto joins = h.of(session, R::kJoin);
        REQUIRE(joins.size() == 1);
        CHECK(joins[0].join().room().name() == "r");
        CHECK(joins[0].join().other_participants().empty());
    }
    CHECK(h.of(alice, R::kJoin)[0].join().room().sid() == acme.sid());
    CHECK(names(h.manager.list_rooms({}, "acme")) == Names{"r 1"});
    CHECK(names(h.manager.list_rooms({}, "globex")) == Names{"r 1"});
    CHECK(names(h.manager.list_rooms({})) == Names{"r 0"});
    CHECK(h.manager.list_rooms({}, "nobody").rooms().empty());
}

TEST_CASE("RoomManager: the end of a room ends no other of its name [TEN-03]") {
    Harness h;
    (void)create(h, kAcme);
    (void)create(h, kGlobex);
    const SessionId alice = h.join(join_of("acme", "alice"));
    livekit::DeleteRoomRequest request;
    request.set_room(kGlobex);
    REQUIRE(h.manager.delete_room(h.clock(), request));
    h.drain();
    CHECK_FALSE(h.manager.has_room(kGlobex));
    CHECK(people(h, kAcme) == 1);
    CHECK_FALSE(h.closed.contains(alice));
    CHECK_FALSE(h.manager.delete_room(h.clock(), request));
}

TEST_CASE("RoomManager: a name is as long as it may be in each tenant [TEN-03] [ROOM-07]") {
    Harness h;
    const std::size_t limit = testing::test_config().limits.room_name;
    for (const std::size_t size : {limit - 1, limit, limit + 1}) {
        livekit::CreateRoomRequest request;
        request.set_name(token::room_key("acme", std::string(size, 'n')));
        CHECK(h.manager.create_room(h.clock(), request).has_value() == (size <= limit));
    }
}

TEST_CASE("RoomManager: webhooks have the name, and beside it whose room it is [TEN-10]") {
    Harness h;
    livekit::CreateRoomRequest request;
    for (const std::string& key : {kAcme, std::string("r")}) {
        request.set_name(key);
        REQUIRE(h.manager.create_room(h.clock(), request));
    }
    Names told;
    while (const auto effect = h.manager.poll_effect())
        if (const auto* hook = std::get_if<WebhookEvent>(&*effect))
            told.push_back(hook->tenant + ":" + hook->event.room().name());
    CHECK(told == Names{"acme:r", ":r"});
}

TEST_CASE("RoomManager: a move stays in its tenant, and so does a resume after it [TEN-07]") {
    Harness h;
    const std::string there = token::room_key("acme", "s");
    const SessionId session = h.join_active(kAcme, "alice");
    livekit::RoomParticipantIdentity who;
    who.set_room(kAcme);
    who.set_identity("alice");
    const std::string sid = h.manager.get_participant(who)->sid();
    livekit::MoveParticipantRequest request;
    request.set_room(kAcme);
    request.set_identity("alice");
    request.set_destination_room(there);
    REQUIRE(h.manager.relocations(h.clock()).move(request));
    h.drain();
    CHECK(people(h, there) == 1);
    CHECK_FALSE(h.manager.has_room(token::room_key("globex", "s")));
    CHECK_FALSE(h.manager.has_room("s"));
    REQUIRE(h.count(session, R::kRoomMoved) == 1);
    CHECK(h.of(session, R::kRoomMoved)[0].room_moved().room().name() == "s");
    h.close(session);

    // A sid is no secret: with hers and her name, but another tenant's token, nobody becomes her.
    const auto resumes = [&](const std::string& tenant) {
        JoinParams params = join_of(tenant, "alice");
        params.reconnect = true;
        params.participant_sid = sid;
        const SessionId again = h.join(params);
        h.drain();
        return h.count(again, R::kReconnect) == 1;
    };
    CHECK_FALSE(resumes("globex"));
    CHECK_FALSE(resumes(""));
    CHECK(resumes("acme"));
}

TEST_CASE("RoomManager: rooms ask for workers of their tenant alone [TEN-09]") {
    AgentWorld w;
    w.kinds({{livekit::JT_ROOM, "", "", "", "acme"}, {livekit::JT_ROOM, "", "ns", "", "globex"}});
    for (const std::string& key : {kAcme, kGlobex, std::string("r")})
        (void)create(w, key);
    std::vector<std::string> launched;
    for (const Effect& effect : w.stored)
        if (const auto* job = std::get_if<LaunchAgentJob>(&effect))
            launched.push_back(job->tenant + ":" + job->job.room().name() + ":" +
                               job->job.namespace_());
    CHECK(launched == Names{"acme:r:", "globex:r:ns"});
    // What becomes of a job is told to the room it is of.
    livekit::Job job = w.launched()[0];
    job.mutable_state()->set_status(livekit::JS_RUNNING);
    const auto states = [&](const std::string& key) {
        livekit::ListAgentDispatchRequest request;
        request.set_room(key);
        const auto list = w.manager.list_dispatch(w.clock(), request);
        REQUIRE(list);
        CHECK(list->agent_dispatches(0).room() == "r");
        Names result;
        for (const livekit::Job& one : list->agent_dispatches(0).state().jobs())
            result.push_back(livekit::JobStatus_Name(one.state().status()));
        return result;
    };
    w.manager.job_changed(w.clock(), kAcme, job, false);
    CHECK(states(kAcme) == Names{"JS_RUNNING"});
    CHECK(states(kGlobex) == Names{"JS_PENDING"});
    CHECK(states("r").empty());
}

TEST_CASE("RoomManager: a store has rooms by their keys, and they come back by them [TEN-03]") {
    Config config = testing::test_config();
    config.store_listens = true;
    Harness h(config);
    (void)create(h, kAcme);
    const auto stored = std::find_if(h.stored.begin(), h.stored.end(), [](const Effect& effect) {
        return std::holds_alternative<StoreRoom>(effect);
    });
    REQUIRE(stored != h.stored.end());
    const auto& room = std::get<StoreRoom>(*stored);
    CHECK(room.room.name() == kAcme);
    Harness later(config);
    const auto adopted = later.manager.adopt(later.clock(), room.room, room.internal);
    REQUIRE(adopted);
    CHECK(adopted->name() == "r");
    CHECK(later.manager.has_room(kAcme));
    CHECK_FALSE(later.manager.has_room("r"));
}

}  // namespace confab::room
