// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Service calls over HTTP to a node of two shards: each reaches the room where it lives, with the
// grant that it needs and no less.
#include "runtime/control/shards/node_room_service.h"

#include <doctest/doctest.h>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rpc/local_bus.h"
#include "runtime/control/shards/node_testing.h"

namespace confab::control {
namespace {

livekit::ListRoomsResponse rooms(const std::vector<std::string>& names, std::uint32_t people) {
    livekit::ListRoomsResponse list;
    for (const std::string& name : names) {
        livekit::Room& room = *list.add_rooms();
        room.set_name(name);
        room.set_num_participants(people);
    }
    return list;
}
std::string text_of(const livekit::ListRoomsResponse& list) {
    std::string text;
    for (const livekit::Room& room : list.rooms())
        text += room.name() + std::to_string(room.num_participants()) + " ";
    return text;
}

// A call of every method about ann in a room.
struct Method {
    const char* name;
    std::function<std::string(const std::string& room)> request;  // serialised
    token::VideoGrant needed;  // `room` is set where roomAdmin is
    const char* part;          // of the answer, where ann and her room are there
};

template <typename Request>
std::string about_ann(Request request, const std::string& room) {
    request.set_room(room);
    if constexpr (requires { request.set_identity(""); }) request.set_identity("ann");
    return request.SerializeAsString();
}
template <typename Request>
std::function<std::string(const std::string&)> ask(const Request& request = {}) {
    return [request](const std::string& room) { return about_ann(request, room); };
}

token::VideoGrant admin() {
    token::VideoGrant grant;
    grant.room_admin = true;
    return grant;
}
token::VideoGrant creator() {
    token::VideoGrant grant;
    grant.room_create = true;
    return grant;
}
token::VideoGrant lister() {
    token::VideoGrant grant;
    grant.room_list = true;
    return grant;
}

std::vector<Method> methods() {
    livekit::UpdateParticipantRequest update;
    update.set_metadata("new");
    livekit::UpdateRoomMetadataRequest room_update;
    room_update.set_metadata("new");
    livekit::SendDataRequest data;
    data.set_data("x");
    livekit::MuteRoomTrackRequest mute;
    mute.set_track_sid("TR_unknown");
    mute.set_muted(true);
    return {
        {"ListParticipants", ask<livekit::ListParticipantsRequest>(), admin(), "ann"},
        {"GetParticipant", ask<livekit::RoomParticipantIdentity>(), admin(), "ann"},
        {"UpdateParticipant", ask(update), admin(), "new"},
        {"UpdateSubscriptions", ask<livekit::UpdateSubscriptionsRequest>(), admin(), ""},
        {"UpdateRoomMetadata", ask(room_update), admin(), "new"},
        {"SendData", ask(data), admin(), ""},
        {"MutePublishedTrack", ask(mute), admin(), ""},
        {"RemoveParticipant", ask<livekit::RoomParticipantIdentity>(), admin(), ""},
        {"DeleteRoom", ask<livekit::DeleteRoomRequest>(), creator(), ""},
        {"CreateRoom",
         [](const std::string& room) {
             livekit::CreateRoomRequest request;
             request.set_name(room);
             return request.SerializeAsString();
         },
         creator(), "RM_"},
        {"ListRooms", [](const std::string&) { return std::string(); }, lister(), "RM_"},
    };
}

std::string call(const TestNode& node, const Method& method, const std::string& room,
                 const token::VideoGrant& grant) {
    const std::string body = method.request(room);
    net::RawClient client(node.port());
    client.send("POST /twirp/livekit.RoomService/" + std::string(method.name) +
                " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " +
                node.token_for(grant) +
                "\r\nContent-Type: application/protobuf\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.read_to_end();
}
int status_of(const std::string& answer) {
    return answer.size() > 12 ? std::stoi(answer.substr(9, 3)) : 0;
}
std::optional<std::string> node_of(TestNode& node, const std::string& room) {
    std::promise<std::optional<std::string>> found;
    node.call([&](ControlNode& control) {
        NodeRoomService service(control, {});
        service.find_room(room, [&](const auto& answer) { found.set_value(answer.value()); });
    });
    return found.get_future().get();
}

// A node that is given a bus: its rooms tell what is to be stored.
struct Clustered {
    rpc::LocalHub hub;
    rpc::LocalBus bus{hub, "ND_test"};
    TestNode node{2, [this](TestNode::Settings& settings) { settings.control.bus = &bus; }};
};

}  // namespace

TEST_CASE("merge_rooms: all by name, or those asked for in their order [API-02]") {
    const std::vector<livekit::ListRoomsResponse> lists{rooms({"b", "d"}, 1), rooms({}, 0),
                                                        rooms({"a", "c"}, 2)};
    livekit::ListRoomsRequest request;
    CHECK(text_of(merge_rooms(request, lists)) == "a2 b1 c2 d1 ");
    CHECK(merge_rooms(request, {}).rooms().empty());
    for (const char* name : {"d", "nowhere", "a", "d"})
        request.add_names(name);
    CHECK(text_of(merge_rooms(request, lists)) == "d1 a2 d1 ");
}

TEST_CASE("NodeRoomService: every call reaches its room in whichever shard [API-01] [API-10]") {
    TestNode node(2);
    for (const std::size_t shard : {0U, 1U}) {
        const std::string room = node.room_in(shard, "room");
        for (const Method& method : methods()) {
            CAPTURE(shard);
            CAPTURE(method.name);
            Joined ann(node, room, "ann");
            REQUIRE(ann.is_in());
            token::VideoGrant grant = method.needed;
            grant.room = room;
            const std::string answer = call(node, method, room, grant);
            CAPTURE(answer);
            CHECK(status_of(answer) == 200);
            CHECK(answer.find(method.part, answer.find("\r\n\r\n")) != std::string::npos);
        }
    }
}

TEST_CASE("NodeRoomService: each call needs its grant, for its own room [API-W4] [TOK-10]") {
    TestNode node(2);
    const std::string room = node.room_in(1);
    Joined ann(node, room, "ann");
    REQUIRE(ann.is_in());
    token::VideoGrant all = admin();
    all.room_create = all.room_list = all.room_record = all.room_join = all.ingress_admin = true;
    all.room = room;
    for (const Method& method : methods()) {
        CAPTURE(method.name);
        token::VideoGrant without = all;
        if (method.needed.room_admin) without.room_admin = false;
        if (method.needed.room_create) without.room_create = false;
        if (method.needed.room_list) without.room_list = false;
        const std::string refused = call(node, method, room, without);
        CHECK(status_of(refused) == 401);
        CHECK(refused.find("permissions denied") != std::string::npos);
        if (!method.needed.room_admin) continue;
        token::VideoGrant elsewhere = all;
        for (const std::string& other : {room + "x", room.substr(1), std::string()}) {
            elsewhere.room = other;
            CHECK(status_of(call(node, method, room, elsewhere)) == 401);
        }
    }
    CHECK(ann.is_served(1));  // nothing of it was done
}

TEST_CASE("NodeRoomService: what is told changes the room where it is [API-07] [API-10]") {
    TestNode node(2);
    for (const std::size_t shard : {0U, 1U}) {
        const std::string room = node.room_in(shard);
        Joined ann(node, room, "ann");
        REQUIRE(ann.is_in());
        livekit::UpdateRoomMetadataRequest update;
        update.set_room(room);
        update.set_metadata("new");
        CHECK(node.answer<livekit::Room>("UpdateRoomMetadata", room, update).metadata() == "new");
        CHECK(ann.wait(livekit::SignalResponse::kRoomUpdate).room_update().room().metadata() ==
              "new");
        livekit::RoomParticipantIdentity who;
        who.set_room(room);
        who.set_identity("ann");
        (void)node.answer<livekit::RemoveParticipantResponse>("RemoveParticipant", room, who);
        CHECK(ann.wait(livekit::SignalResponse::kLeave).leave().reason() ==
              livekit::PARTICIPANT_REMOVED);
    }
}

TEST_CASE(
    "NodeRoomService: who changes something is answered once it is stored, in whichever shard "
    "[RPC-33]") {
    Clustered clustered;
    TestNode& node = clustered.node;
    for (const std::size_t shard : {0U, 1U}) {
        CAPTURE(shard);
        const std::string room = node.room_in(shard);
        Joined ann(node, room, "ann");
        REQUIRE(ann.is_in());
        std::unique_ptr<NodeRoomService> service;
        std::promise<std::string> over;
        std::vector<std::string> log;
        node.call([&](ControlNode& control) {
            service = std::make_unique<NodeRoomService>(control, std::function<bool()>());
            control.set_store([&](StoreEffect effect) {
                // The other shard's room may tell meanwhile that its ann is gone.
                if (const auto* told = std::get_if<room::StoreRoom>(&effect);
                    told != nullptr && told->room.name() == room)
                    log.push_back("told " + told->room.metadata());
            });
            service->set_when_stored([&](const std::string& key, Duration, Callback<> done) {
                log.push_back("wait" + std::string(key == room ? "" : " for another"));
                control.loop().post([&, done = std::move(done)]() mutable {
                    log.emplace_back("stored");
                    done();
                });
            });
            livekit::UpdateRoomMetadataRequest update;
            update.set_room(room);
            update.set_metadata("new");
            service->update_room_metadata({}, update, [&](const auto& answer) {
                log.push_back("answered " + answer.value().metadata());
                // Reading waits for nothing, nor does what is refused.
                livekit::ListParticipantsRequest list;
                list.set_room(room);
                service->list_participants({}, list, [&](const auto& people) {
                    log.push_back("listed " + std::to_string(people->participants_size()));
                    livekit::RoomParticipantIdentity nobody;
                    nobody.set_room(room);
                    nobody.set_identity("nobody");
                    service->remove_participant({}, nobody, [&](const auto& refused) {
                        log.emplace_back(refused ? "removed" : "refused");
                        std::string all;
                        for (const std::string& one : log)
                            all += one + ", ";
                        over.set_value(all);
                    });
                });
            });
        });
        CHECK(over.get_future().get() ==
              "told new, wait, stored, answered new, listed 1, refused, ");
        node.call([&](ControlNode& control) {
            control.set_store({});
            service.reset();
        });
    }
}

TEST_CASE("NodeRoomService: each call that changes a room waits until it is stored [RPC-33]") {
    Clustered clustered;
    TestNode& node = clustered.node;
    for (const std::size_t shard : {0U, 1U}) {
        CAPTURE(shard);
        const std::string room = node.room_in(shard);
        Joined ann(node, room, "ann");
        REQUIRE(ann.is_in());
        std::unique_ptr<NodeRoomService> service;
        int waits = 0;
        node.call([&](ControlNode& control) {
            service = std::make_unique<NodeRoomService>(control, std::function<bool()>());
            service->set_when_stored([&](const std::string&, Duration patience, Callback<> done) {
                CHECK(patience == Duration::millis(500));  // half of what the caller has
                ++waits;
                done();
            });
        });
        // How often it waited; -1 if it was refused.
        const auto waits_of = [&]<typename Request, typename Response>(
                                  void (api::RoomServicePort::*method)(const api::CallContext&,
                                                                       const Request&,
                                                                       api::Reply<Response>),
                                  Request request) {
            std::promise<bool> answered;
            node.call([&](ControlNode&) {
                waits = 0;
                const api::CallContext context{net::EventLoop::now(), Duration::seconds(1)};
                (service.get()->*method)(context, request,
                                         [&](const auto& answer) { answered.set_value(!!answer); });
            });
            return answered.get_future().get() ? waits : -1;
        };
        const auto in = [&](auto request) {
            request.set_room(room);
            if constexpr (requires { request.set_identity("ann"); }) request.set_identity("ann");
            return request;
        };
        using Port = api::RoomServicePort;
        livekit::CreateRoomRequest again;
        again.set_name(room);
        CHECK(waits_of(&Port::create_room, again) == 1);
        CHECK(waits_of(&Port::update_room_metadata, in(livekit::UpdateRoomMetadataRequest())) == 1);
        CHECK(waits_of(&Port::update_participant, in(livekit::UpdateParticipantRequest())) == 1);
        CHECK(waits_of(&Port::send_data, in(livekit::SendDataRequest())) == 0);
        CHECK(waits_of(&Port::get_participant, in(livekit::RoomParticipantIdentity())) == 0);
        CHECK(waits_of(&Port::remove_participant, in(livekit::RoomParticipantIdentity())) == 1);
        CHECK(waits_of(&Port::delete_room, in(livekit::DeleteRoomRequest())) == 1);
        CHECK(waits_of(&Port::delete_room, in(livekit::DeleteRoomRequest())) == -1);
        node.call([&](ControlNode&) { service.reset(); });
    }
}

TEST_CASE("NodeRoomService: tokens are revoked with a removal, in every shard, for good [TOK-14]") {
    TestNode node(2);
    for (const std::size_t shard : {0U, 1U}) {
        const std::string room = node.room_in(shard);
        CAPTURE(shard);
        Joined ann(node, room, "ann");
        Joined bob(node, room, "bob");
        REQUIRE((ann.is_in() && bob.is_in()));
        livekit::RoomParticipantIdentity who;
        who.set_room(room);
        who.set_identity("ann");
        (void)node.answer<livekit::RemoveParticipantResponse>("RemoveParticipant", room, who);
        CHECK(node.validate(room, "ann").starts_with("HTTP/1.1 200 "));  // not asked for
        who.set_revoke_token_ts(net::EventLoop::wall().s() + 30);
        // It is not there, and is kept from coming back all the same.
        CHECK(status_of(node.twirp("RemoveParticipant", room, who)) == 404);
        CHECK(node.validate(room, "ann").starts_with("HTTP/1.1 401 "));
        CHECK(node.validate(room, "bob").starts_with("HTTP/1.1 200 "));
        livekit::DeleteRoomRequest end;
        end.set_room(room);
        (void)node.answer<livekit::DeleteRoomResponse>("DeleteRoom", room, end);
        CHECK(node.validate(room, "ann").starts_with("HTTP/1.1 401 "));
    }
}

TEST_CASE("NodeRoomService: removed however many were revoked in its room [TOK-14] [IMM-15]") {
    TestNode node(2);
    const std::string room = node.room_in(1);
    Joined ann(node, room, "ann");
    REQUIRE(ann.is_in());
    const UnixTime now = net::EventLoop::wall();
    node.call([&](ControlNode& control) {
        for (std::size_t i = 0; i < token::Revocations::kMaxPerRoom; ++i)
            (void)control.revocations().revoke(room, std::to_string(i), now, now);
    });
    livekit::RoomParticipantIdentity who;
    who.set_room(room);
    who.set_identity("ann");
    who.set_revoke_token_ts(now.s() + 30);
    (void)node.answer<livekit::RemoveParticipantResponse>("RemoveParticipant", room, who);
    CHECK(ann.wait(livekit::SignalResponse::kLeave).leave().reason() ==
          livekit::PARTICIPANT_REMOVED);
    CHECK(node.validate(room, "ann").starts_with("HTTP/1.1 401 "));
    CHECK(node.call([](ControlNode& control) { return control.revocations().size(); }) ==
          token::Revocations::kMaxPerRoom);
}

TEST_CASE(
    "NodeRoomService: to a room of another shard by joining anew, seen in one nobody is [API-11] "
    "[API-12]") {
    TestNode node(2);
    const std::string room = node.room_in(0);
    Joined ann(node, room, "ann");
    REQUIRE(ann.is_in());
    const char* method = "MoveParticipant";
    const auto move_to = [&](const std::string& destination) {
        token::VideoGrant grant = admin();
        grant.room = room;
        grant.destination_room = destination;
        livekit::MoveParticipantRequest request;
        request.set_room(room);
        request.set_identity("ann");
        request.set_destination_room(destination);
        return node.twirp_with(node.token_for(grant), method, request);
    };
    // It is her room that decides: she is not connected yet.
    const std::string far = move_to(node.room_in(1));
    CHECK(status_of(far) == 412);
    CHECK(far.find("try again") != std::string::npos);
    CHECK(node_of(node, node.room_in(1)) == "ND_test");  // made for her
    const std::string together = move_to(node.room_in(0, "other"));
    CHECK(status_of(together) == 412);
    CHECK(together.find("try again") != std::string::npos);
    CHECK(status_of(move_to("")) == 400);
    method = "ForwardParticipant";  // whose request has the same fields
    const std::string apart = move_to(node.room_in(1));
    CHECK(status_of(apart) == 412);
    CHECK(apart.find("confab.control_threads: 1") != std::string::npos);
    CHECK(move_to(node.room_in(0, "other")).find("try again") != std::string::npos);
    CHECK(ann.is_served(1));
}

TEST_CASE(
    "NodeRoomService: for nobody, and where rooms are not made, none is made in another shard "
    "[API-12]") {
    for (const bool auto_create : {true, false}) {
        TestNode node(2, [&](TestNode::Settings& settings) {
            settings.control.room.room.auto_create = auto_create;
        });
        const std::string room = node.room_in(0);
        const std::string there = node.room_in(1);
        livekit::CreateRoomRequest create;
        create.set_name(room);
        REQUIRE(status_of(node.twirp("CreateRoom", room, create)) == 200);
        Joined ann(node, room, "ann");
        REQUIRE(ann.is_in());
        token::VideoGrant grant = admin();
        grant.room = room;
        grant.destination_room = there;
        livekit::MoveParticipantRequest request;
        request.set_room(room);
        request.set_identity(auto_create ? "nobody" : "ann");
        request.set_destination_room(there);
        CHECK(status_of(node.twirp_with(node.token_for(grant), "MoveParticipant", request)) == 404);
        CHECK_FALSE(node_of(node, there));
    }
}

TEST_CASE("NodeRoomService: a room that is nowhere is not found in any shard [API-04] [API-10]") {
    TestNode node(2);
    for (const std::size_t shard : {0U, 1U}) {
        const std::string room = node.room_in(shard);
        CAPTURE(shard);
        livekit::UpdateRoomMetadataRequest update;
        update.set_room(room);
        CHECK(status_of(node.twirp("UpdateRoomMetadata", room, update)) == 404);
        CHECK_FALSE(node_of(node, room));
        Joined ann(node, room, "ann");
        REQUIRE(ann.is_in());
        CHECK(node_of(node, room) == "ND_test");
    }
}

TEST_CASE("ControlNode: ids of two shards never meet [SID-01]") {
    TestNode node(2);
    std::vector<std::string> sids;
    for (const std::size_t shard : {0U, 1U}) {
        const std::string room = node.room_in(shard);
        livekit::CreateRoomRequest create;
        create.set_name(room);
        sids.push_back(node.answer<livekit::Room>("CreateRoom", room, create).sid());
    }
    CHECK(sids[0] != sids[1]);
}

}  // namespace confab::control
