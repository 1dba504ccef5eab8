// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a node answers when others ask for its rooms, over Redis as they do.
#include "runtime/control/cluster/rooms/room_servers.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "rpc/bus_contract_testing.h"
#include "runtime/control/cluster/room_cluster_testing.h"

namespace confab::control {
namespace {

constexpr std::string_view kNobody = "unavailable: no response from servers";
using Texts = std::vector<std::string>;

// "a" has the rooms, and "b" asks.
struct World : RoomCluster {
    explicit World() : RoomCluster(2) {}

    std::string ask_bytes(const rpc::Method& method, const rpc::Topic& topic, std::string request,
                          Duration wait = Duration::millis(1100)) {
        const auto answer = std::make_shared<std::string>("waiting");
        b().bus.call(
            now, method, topic, std::move(request), {},
            [answer](const rpc::Outcome& outcome) { *answer = rpc::testing::text_of(outcome); });
        pass(wait);
        return *answer;
    }
    template <typename Request>
    std::string ask(const rpc::Method& method, const std::string& topic, const Request& request) {
        return ask_bytes(method, {topic}, request.SerializeAsString());
    }
    RoomServers& servers() { return a().servers; }
    const std::string& good() { return a().rooms.answer; }
    // What came to the rooms of "a".
    SpyRooms::Call last() {
        REQUIRE(a().rooms.calls.size() == 1);
        return std::exchange(a().rooms.calls, {}).front();
    }
};

// A method as others call it: with the key of the room, which is replaced by its name.
struct Method {
    rpc::Method method;
    const char* port;  // the method of the API that answers
    std::function<std::string(const std::string& room)> request;
};
template <typename Request>
std::function<std::string(const std::string&)> about(Request request) {
    return [request](const std::string& room) mutable {
        request.set_room(room);
        return request.SerializeAsString();
    };
}

std::vector<Method> of_rooms() {
    livekit::SendDataRequest data;
    data.set_data("hello");
    livekit::UpdateRoomMetadataRequest metadata;
    metadata.set_metadata("new");
    livekit::RoomParticipantIdentity who;
    who.set_identity("ann");
    return {
        {{"Room", "DeleteRoom"}, "delete_room", about(livekit::DeleteRoomRequest())},
        {{"Room", "SendData"}, "send_data", about(data)},
        {{"Room", "UpdateRoomMetadata"}, "update_room_metadata", about(metadata)},
        {{"Room", "ListParticipants"},
         "list_participants",
         about(livekit::ListParticipantsRequest())},
        {{"Room", "GetParticipant"}, "get_participant", about(who)},
    };
}
std::vector<Method> of_participants() {
    livekit::RoomParticipantIdentity who;
    who.set_identity("ann");
    livekit::MuteRoomTrackRequest mute;
    mute.set_identity("ann");
    mute.set_track_sid("TR_1");
    livekit::UpdateParticipantRequest update;
    update.set_identity("ann");
    update.set_name("Ann");
    livekit::UpdateSubscriptionsRequest subscriptions;
    subscriptions.set_identity("ann");
    subscriptions.set_subscribe(true);
    livekit::PerformRpcRequest call;
    call.set_destination_identity("ann");
    call.set_method("greet");
    return {
        {{"Participant", "RemoveParticipant"}, "remove_participant", about(who)},
        {{"Participant", "MutePublishedTrack"}, "mute_published_track", about(mute)},
        {{"Participant", "UpdateParticipant"}, "update_participant", about(update)},
        {{"Participant", "UpdateSubscriptions"}, "update_subscriptions", about(subscriptions)},
        {{"Participant", "PerformRpc"}, "perform_rpc", about(call)},
    };
}
livekit::DeleteRoomRequest delete_of(const std::string& room) {
    livekit::DeleteRoomRequest request;
    request.set_room(room);
    return request;
}
livekit::RoomParticipantIdentity who_in(const std::string& room, const std::string& identity) {
    livekit::RoomParticipantIdentity who;
    who.set_room(room);
    who.set_identity(identity);
    return who;
}
constexpr rpc::Method kCreate{"RoomManager", "CreateRoom"};
constexpr rpc::Method kDelete{"Room", "DeleteRoom"};
constexpr rpc::Method kRemove{"Participant", "RemoveParticipant"};

}  // namespace

TEST_CASE("RoomServers: others reach a room by its key while it is here, and no longer [RPC-03]") {
    World world;
    const std::string key = token::room_key("acme", "standup");
    for (const Method& asked : of_rooms()) {
        CAPTURE(asked.port);
        CHECK(world.ask_bytes(asked.method, {key}, asked.request(key)) == kNobody);
        world.servers().add_room(key);
        CHECK(world.ask_bytes(asked.method, {key}, asked.request(key)) == world.good());
        const SpyRooms::Call call = world.last();
        CHECK(call.method == asked.port);
        CHECK(call.context.tenant == "acme");
        CHECK(call.request == asked.request("standup"));
        CHECK(world.ask_bytes(asked.method, {"standup"}, asked.request(key)) == kNobody);
        world.servers().remove_room(key);
        CHECK(world.ask_bytes(asked.method, {key}, asked.request(key)) == kNobody);
        CHECK(world.a().rooms.calls.empty());
    }
}

TEST_CASE("RoomServers: others reach a participant by room and identity, as rooms [RPC-04]") {
    World world;
    const std::string key = token::room_key("acme", "standup");
    const std::string topic = key + "_ann";
    for (const Method& asked : of_participants()) {
        CAPTURE(asked.port);
        const auto ask = [&] { return world.ask_bytes(asked.method, {topic}, asked.request(key)); };
        world.servers().add_room(key);
        CHECK(ask() == kNobody);
        world.servers().add_participant(key, "ann");
        CHECK(ask() == world.good());
        const SpyRooms::Call call = world.last();
        CHECK(call.method == asked.port);
        CHECK(call.context.tenant == "acme");
        CHECK(call.request == asked.request("standup"));
        world.servers().remove_participant(key, "ann");
        CHECK(ask() == kNobody);
        world.servers().add_participant(key, "ann");
        world.servers().remove_room(key);  // with all that are in it
        CHECK(ask() == kNobody);
        CHECK(world.a().rooms.calls.empty());
    }
}

TEST_CASE("RoomServers: the rooms hear how long whoever asks will wait [RPC-03] [PSR-12]") {
    World world;
    world.servers().add_room("room");
    const Timestamp asked = world.now;
    CHECK(world.ask(kDelete, "room", delete_of("room")) == world.good());
    const api::CallContext context = world.last().context;
    CHECK(context.now > asked);
    CHECK(context.now < asked + Duration::millis(100));
    REQUIRE(context.timeout);
    CHECK(*context.timeout > Duration::millis(2900));
    CHECK(*context.timeout <= Duration::seconds(3));
}

TEST_CASE("RoomServers: told twice of a room or of somebody, both end once [RPC-03] [RPC-04]") {
    World world;
    RoomServers& servers = world.servers();
    CHECK(servers.size() == 0);
    for (int i = 0; i < 2; ++i) {
        servers.add_room("room");
        servers.add_participant("room", "ann");
    }
    CHECK(servers.size() == 1);
    CHECK(servers.has("room"));
    CHECK_FALSE(servers.has("roo"));
    CHECK(world.ask(kDelete, "room", delete_of("room")) == world.good());
    CHECK(world.ask(kRemove, "room_ann", who_in("room", "ann")) == world.good());
    servers.remove_participant("room", "ann");
    CHECK(world.ask(kRemove, "room_ann", who_in("room", "ann")) == kNobody);
    servers.remove_participant("room", "ann");
    servers.add_participant("room", "ann");
    CHECK(world.ask(kRemove, "room_ann", who_in("room", "ann")) == world.good());
    servers.remove_room("room");
    servers.remove_room("room");
    CHECK_FALSE(servers.has("room"));
    CHECK(servers.size() == 0);
    CHECK(world.ask(kDelete, "room", delete_of("room")) == kNobody);
}

TEST_CASE("RoomServers: nobody is in a room that is not here [RPC-04]") {
    World world;
    world.servers().add_participant("room", "ann");
    world.servers().remove_participant("room", "ann");
    world.servers().add_participant("room", "ann");
    CHECK_FALSE(world.servers().has("room"));
    CHECK(world.ask(kRemove, "room_ann", who_in("room", "ann")) == kNobody);
    world.servers().add_room("room");  // who came before it is not known
    CHECK(world.ask(kRemove, "room_ann", who_in("room", "ann")) == kNobody);
    CHECK(world.a().rooms.calls.empty());
}

TEST_CASE("RoomServers: two whose topic is the same share it until both are gone [RPC-30]") {
    World world;
    RoomServers& servers = world.servers();
    servers.add_room("x");
    servers.add_room("x_y");
    servers.add_participant("x", "y_z");
    servers.add_participant("x_y", "z");
    const auto ask = [&](const std::string& room, const std::string& identity) {
        return world.ask(kRemove, "x_y_z", who_in(room, identity));
    };
    // The request says who is meant.
    CHECK(ask("x_y", "z") == world.good());
    CHECK(world.last().request == who_in("x_y", "z").SerializeAsString());
    CHECK(ask("x", "y_z") == world.good());
    CHECK(world.last().request == who_in("x", "y_z").SerializeAsString());
    SUBCASE("one leaves") {
        servers.remove_participant("x", "y_z");
    }
    SUBCASE("the room of one ends") {
        servers.remove_room("x");
    }
    CHECK(ask("x_y", "z") == world.good());
    servers.remove_participant("x_y", "z");
    CHECK(ask("x_y", "z") == kNobody);
    servers.add_participant("x_y", "z");
    CHECK(ask("x_y", "z") == world.good());
}

TEST_CASE("RoomServers: of two nodes with one topic whoever has the room takes a call [RPC-30]") {
    World world;
    world.a().servers.add_room("x_y");
    world.a().servers.add_participant("x_y", "z");
    world.b().servers.add_room("x");
    world.b().servers.add_participant("x", "y_z");
    for (int i = 0; i < 8; ++i) {
        CHECK(world.ask(kRemove, "x_y_z", who_in("x_y", "z")) == world.good());
        CHECK(world.last().request == who_in("x_y", "z").SerializeAsString());
        CHECK(world.b().rooms.calls.empty());
        CHECK(world.ask(kRemove, "x_y_z", who_in("x", "y_z")) == world.b().rooms.answer);
        CHECK(std::exchange(world.b().rooms.calls, {}).size() == 1);
        CHECK(world.a().rooms.calls.empty());
    }
}

TEST_CASE("RoomServers: a room is made by whoever the node has for that, on its topic [RPC-02]") {
    World world;
    livekit::CreateRoomRequest request;
    request.set_name(token::room_key("acme", "standup"));
    request.set_metadata("new");
    CHECK(world.ask(kCreate, "c", request) == kNobody);
    CHECK(world.ask(kCreate, "a", request) == world.good());
    const SpyRooms::Call call = world.last();
    CHECK(call.method == "create_room");
    CHECK(call.context.tenant == "acme");
    CHECK(call.context.timeout > Duration::millis(2900));
    livekit::CreateRoomRequest named = request;
    named.set_name("standup");
    CHECK(call.request == named.SerializeAsString());
    CHECK(world.field("room_node_map", request.name()) == "a");
    // One of no tenant.
    request.set_name("plain");
    CHECK(world.ask(kCreate, "a", request) == world.good());
    CHECK(world.last().context.tenant.empty());
}

TEST_CASE("RoomServers: errors of the rooms go over the bus without their prefix [PSR-18]") {
    World world;
    world.servers().add_room("room");
    const auto said = [&](const api::ServiceError& error) {
        world.a().rooms.error = error;
        return world.ask(kDelete, "room", delete_of("room"));
    };
    CHECK(said(api::service_error(api::ErrorCode::kNotFound, "requested room does not exist")) ==
          "not_found: requested room does not exist");
    CHECK(said(api::native_error(api::ErrorCode::kUnknown, "reached configured limit for node")) ==
          "unknown: reached configured limit for node");
    CHECK(said(api::service_error(api::ErrorCode::kUnavailable, "no agent")) ==
          "unavailable: no agent");
    livekit::CreateRoomRequest create;
    create.set_name("other");
    world.a().rooms.error = api::service_error(api::ErrorCode::kInvalidArgument, "no such preset");
    CHECK(world.ask(kCreate, "a", create) == "invalid_argument: no such preset");
}

TEST_CASE("RoomServers: what is no request is refused before the rooms hear of it [RPC-03]") {
    World world;
    world.servers().add_room("room");
    world.servers().add_participant("room", "ann");
    const std::string garbage = "\x0a\xff";
    for (const Method& asked : of_rooms())
        CHECK(world.ask_bytes(asked.method, {"room"}, garbage).starts_with("malformed_request"));
    for (const Method& asked : of_participants())
        CHECK(
            world.ask_bytes(asked.method, {"room_ann"}, garbage).starts_with("malformed_request"));
    CHECK(world.ask_bytes(kCreate, {"a"}, garbage).starts_with("malformed_request"));
    CHECK(world.a().rooms.calls.empty());
}

TEST_CASE("RoomServers: real rooms are made, changed and ended by another node [RPC-02] [RPC-03]") {
    World world;
    world.a().have_rooms();
    const std::string key = token::room_key("acme", "standup");
    livekit::CreateRoomRequest create;
    create.set_name(key);
    livekit::Room made;
    REQUIRE(made.ParseFromString(world.ask(kCreate, "a", create)));
    CHECK(made.sid().starts_with("RM_"));
    CHECK(world.a().host.control().first().rooms().has_room(key));
    world.servers().add_room(key);
    livekit::UpdateRoomMetadataRequest update;
    update.set_room(key);
    update.set_metadata("new");
    livekit::Room changed;
    REQUIRE(changed.ParseFromString(world.ask({"Room", "UpdateRoomMetadata"}, key, update)));
    CHECK(changed.sid() == made.sid());
    CHECK(changed.metadata() == "new");
    CHECK(world.ask({"Room", "GetParticipant"}, key, who_in(key, "ann")) ==
          "not_found: participant does not exist");
    CHECK(world.ask(kDelete, key, delete_of(key)).empty());
    CHECK_FALSE(world.a().host.control().first().rooms().has_room(key));
    CHECK(world.ask(kDelete, key, delete_of(key)) == "not_found: requested room does not exist");
}

TEST_CASE("RoomServers: moves and forwards, by the keys of both rooms [RPC-04] [API-12]") {
    World world;
    const std::string room = token::room_key("acme", "standup");
    const std::string other = token::room_key("acme", "other");
    world.servers().add_room(room);
    world.servers().add_room(other);
    livekit::MoveParticipantRequest request;  // whose fields those of a forward are, too
    request.set_room(room);
    request.set_identity("ann");
    request.set_destination_room(other);
    livekit::MoveParticipantRequest named = request;
    named.set_room("standup");
    named.set_destination_room("other");
    for (const auto& [name, port] : {std::pair{"MoveParticipant", "move_participant"},
                                     std::pair{"ForwardParticipant", "forward_participant"}}) {
        const rpc::Method method{"Participant", name};
        CHECK(world.ask(method, room + "_ann", request) == kNobody);
        world.servers().add_participant(room, "ann");
        CHECK(world.ask(method, room + "_ann", request) == world.good());
        const SpyRooms::Call call = world.last();
        CHECK(call.method == port);
        CHECK(call.context.tenant == "acme");
        CHECK(call.request == named.SerializeAsString());
        // Nobody comes to another tenant.
        livekit::MoveParticipantRequest across = request;
        across.set_destination_room(token::room_key("others", "other"));
        CHECK(world.ask(method, room + "_ann", across) ==
              "invalid_argument: the rooms are of different tenants");
        // Of a room that is not here.
        world.store_participant("nowhere", "ann");
        across.set_room("nowhere");
        across.set_destination_room("other");
        CHECK(world.ask(method, room + "_ann", across) == "not_found: participant does not exist");
        CHECK(
            world.ask_bytes(method, {room + "_ann"}, "\x0a\xff").starts_with("malformed_request"));
        world.servers().remove_participant(room, "ann");
        CHECK(world.a().rooms.calls.empty());
    }
}

}  // namespace confab::control
