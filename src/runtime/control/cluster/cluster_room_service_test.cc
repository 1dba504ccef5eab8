// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The server API of a cluster: what concerns a room is done by the node that has it, whoever is
// asked.
#include "runtime/control/cluster/cluster_room_service.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "cluster/methods.h"
#include "runtime/control/cluster/room_cluster_testing.h"

namespace confab::control {
namespace {

using Port = api::RoomServicePort;
using Texts = std::vector<std::string>;

const std::string kNobody = "unavailable: twirp error unknown: no response from servers";
const std::string kNoRoom = "not_found: twirp error unknown: requested room does not exist";
const std::string kNoParticipant = "not_found: twirp error unknown: participant does not exist";
const std::string kApart =
    "failed_precondition: twirp error unknown: the rooms are on different nodes: participants are "
    "forwarded within one node (CreateRoom with node_id a makes the other room there)";
constexpr Duration kLong = Duration::seconds(16);  // of three attempts

// A call about ann in a room.
struct Method {
    std::string name;
    std::string request;  // as its own node is to get it
    std::function<std::shared_ptr<std::string>(RoomCluster&, RoomsNode&, const std::string& tenant)>
        start;
    std::string unknown;  // the answer where nobody has the room and Redis knows nothing of it
};

template <typename Request, typename Response>
Method method(const char* name,
              void (Port::*call)(const api::CallContext&, const Request&, api::Reply<Response>),
              Request request, std::string unknown) {
    request.set_room("room");
    if constexpr (requires { request.set_identity(""); }) request.set_identity("ann");
    return {name, request.SerializeAsString(),
            [call, request](RoomCluster& world, RoomsNode& node, const std::string& tenant) {
                return world.start(node, call, request, tenant);
            },
            std::move(unknown)};
}
// That the node with the room is asked for.
std::vector<Method> asked() {
    livekit::UpdateRoomMetadataRequest metadata;
    metadata.set_metadata("new");
    livekit::SendDataRequest data;
    data.set_data("hello");
    livekit::MuteRoomTrackRequest mute;
    mute.set_track_sid("TR_1");
    livekit::UpdateParticipantRequest update;
    update.set_name("Ann");
    livekit::UpdateSubscriptionsRequest subscriptions;
    subscriptions.set_subscribe(true);
    livekit::PerformRpcRequest rpc;
    rpc.set_destination_identity("ann");
    rpc.set_method("greet");
    return {
        method("delete_room", &Port::delete_room, livekit::DeleteRoomRequest(), kNoRoom),
        method("update_room_metadata", &Port::update_room_metadata, metadata, kNoRoom),
        method("send_data", &Port::send_data, data, kNobody),
        method("remove_participant", &Port::remove_participant, livekit::RoomParticipantIdentity(),
               kNoParticipant),
        method("update_participant", &Port::update_participant, update, kNoParticipant),
        method("mute_published_track", &Port::mute_published_track, mute, kNobody),
        method("update_subscriptions", &Port::update_subscriptions, subscriptions, kNobody),
        method("perform_rpc", &Port::perform_rpc, rpc, kNobody),
    };
}
// That Redis is asked for where the room is elsewhere.
std::vector<Method> read() {
    return {
        method("list_participants", &Port::list_participants, livekit::ListParticipantsRequest(),
               ""),
        method("get_participant", &Port::get_participant, livekit::RoomParticipantIdentity(),
               kNoParticipant),
    };
}

struct World : RoomCluster {
    using RoomCluster::RoomCluster;

    std::string call(RoomsNode& node, const Method& method, const std::string& tenant = "",
                     Duration wait = kUsual) {
        return answered(method.start(*this, node, tenant), wait);
    }
    // A room of a node with ann in it, as everybody knows.
    void have_room(RoomsNode& node, const std::string& key) {
        node.servers.add_room(key);
        node.servers.add_participant(key, "ann");
        store_room(key);
        store_participant(key, "ann");
        set("room_node_map", key, node.id);
        pass(Duration::millis(5));
    }
    std::string create(RoomsNode& node, const std::string& name, const std::string& wanted = "",
                       const std::string& tenant = "", Duration wait = kUsual) {
        livekit::CreateRoomRequest request;
        request.set_name(name);
        request.set_node_id(wanted);
        request.set_metadata("new");
        return ask(node, &Port::create_room, request, tenant, wait);
    }
    std::string remove(RoomsNode& node, const std::string& name, Duration wait = kUsual) {
        livekit::DeleteRoomRequest request;
        request.set_room(name);
        return ask(node, &Port::delete_room, request, "", wait);
    }
    std::string find(RoomsNode& node, const std::string& key) {
        const auto found = std::make_shared<std::string>("waiting");
        using Found = Result<std::optional<std::string>, api::ServiceError>;
        node.api.find_room(key, [found](const Found& result) {
            *found = result ? result->value_or("nowhere")
                            : std::string(api::to_text(result.error().code));
        });
        return answered(found);
    }
    // "name" of each room, in the order of the answer.
    std::string list(RoomsNode& node, const std::string& tenant, const Texts& names = {}) {
        livekit::ListRoomsRequest request;
        for (const std::string& name : names)
            request.add_names(name);
        std::string answer = ask(node, &Port::list_rooms, request, tenant);
        livekit::ListRoomsResponse response;
        if (!response.ParseFromString(answer)) return answer;
        std::string text;
        for (const livekit::Room& room : response.rooms())
            text += room.name() + " " + room.sid() + "; ";
        return text;
    }
    std::string participants(RoomsNode& node, const std::string& room, const std::string& tenant) {
        livekit::ListParticipantsRequest request;
        request.set_room(room);
        livekit::ListParticipantsResponse response;
        REQUIRE(response.ParseFromString(ask(node, &Port::list_participants, request, tenant)));
        std::string text;
        for (const livekit::ParticipantInfo& info : response.participants())
            text += info.identity() + " ";
        return text;
    }
};

}  // namespace

// ---------------------------------------------------------------- here, elsewhere, nowhere

TEST_CASE("ClusterRoomService: what concerns a room of this node is done here [RPC-33]") {
    World world;
    const std::string key = token::room_key("acme", "room");
    world.a().servers.add_room(key);  // and Redis knows nothing of it
    std::vector<Method> all = asked();
    for (const Method& one : read())
        all.push_back(one);
    for (const Method& one : all) {
        CAPTURE(one.name);
        CHECK(*one.start(world, world.a(), "acme") == world.a().rooms.answer);  // at once
        REQUIRE(world.a().rooms.calls.size() == 1);
        CHECK(world.a().rooms.calls.front().request == one.request);
        CHECK(world.a().rooms.take() == Texts{one.name + " acme"});
    }
    // The room of another tenant is another one.
    for (const Method& one : all) {
        CAPTURE(one.name);
        CHECK(world.call(world.a(), one, "other", kLong) == one.unknown);
        CHECK(world.a().rooms.calls.empty());
    }
}

TEST_CASE("ClusterRoomService: what concerns a room elsewhere is asked there [RPC-03] [RPC-04]") {
    World world;
    for (const char* tenant : {"acme", ""}) {  // whose key is the name comes last
        world.have_room(world.b(), token::room_key(tenant, "room"));
        for (const Method& one : asked()) {
            CAPTURE(one.name);
            CHECK(world.call(world.a(), one, tenant) == world.b().rooms.answer);
            REQUIRE(world.b().rooms.calls.size() == 1);
            CHECK(world.b().rooms.calls.front().request == one.request);
            CHECK(world.b().rooms.take() == Texts{one.name + " " + tenant});
        }
    }
    CHECK(world.a().rooms.calls.empty());
}

TEST_CASE("ClusterRoomService: who is in a room elsewhere is read of Redis [RPC-33]") {
    World world;
    const std::string key = token::room_key("acme", "room");
    world.have_room(world.b(), key);
    world.store_participant(key, "bob");
    CHECK(world.participants(world.a(), "room", "acme") == "ann bob ");
    CHECK(world.participants(world.a(), "room", "").empty());
    livekit::ParticipantInfo info;
    REQUIRE(info.ParseFromString(world.call(world.a(), read().at(1), "acme")));
    CHECK(info.identity() == "ann");
    CHECK(world.b().rooms.calls.empty());
}

TEST_CASE("ClusterRoomService: a room that nobody has, with Redis first or not [RPC-33] [API-W7]") {
    World world;
    std::vector<Method> all = asked();
    for (const Method& one : read())
        all.push_back(one);
    for (const Method& one : all) {
        CAPTURE(one.name);
        CHECK(world.call(world.a(), one, "", kLong) == one.unknown);
    }
    CHECK(world.a().rooms.calls.empty());
    CHECK(world.b().rooms.calls.empty());
}

TEST_CASE("ClusterRoomService: Redis says not found before the node is asked [RPC-33]") {
    World world;
    world.b().servers.add_room("room");  // and has not been written yet
    world.b().servers.add_participant("room", "ann");
    world.pass(Duration::millis(5));
    for (const Method& one : asked()) {
        CAPTURE(one.name);
        const bool is_read = one.unknown != kNobody;
        CHECK(world.call(world.a(), one) == (is_read ? one.unknown : world.b().rooms.answer));
        CHECK(world.b().rooms.take().size() == (is_read ? 0 : 1));
    }
}

TEST_CASE(
    "ClusterRoomService: errors of the node that has the room come back as its own [PSR-18]") {
    World world;
    world.have_room(world.b(), "room");
    for (const api::ErrorCode code :
         {api::ErrorCode::kNotFound, api::ErrorCode::kInvalidArgument,
          api::ErrorCode::kFailedPrecondition, api::ErrorCode::kResourceExhausted}) {
        world.b().rooms.error = api::service_error(code, "so it is");
        for (const Method& one : asked()) {
            CAPTURE(one.name);
            CHECK(world.call(world.a(), one) ==
                  std::string(api::to_text(code)) + ": twirp error unknown: so it is");
        }
    }
}

TEST_CASE("ClusterRoomService: an answer that is no message is an error of the cluster [RPC-33]") {
    World world;
    const auto served = world.b().bus.serve(
        cluster::kSendData, {"room"},
        [](const rpc::Request&, rpc::Reply reply) { reply(std::string("\x0a\xff")); }, {});
    REQUIRE(served);
    world.pass(Duration::millis(5));
    livekit::SendDataRequest request;
    request.set_room("room");
    CHECK(world.ask(world.a(), &Port::send_data, request) ==
          "internal: twirp error unknown: the answer of a node cannot be read");
}

TEST_CASE("ClusterRoomService: what Redis has and nobody can read [RPC-33]") {
    World world;
    world.set("room_participants:room", "ann", "\x0a\xff");
    world.store_participant("room", "bob");
    world.set("rooms", "room", "\x0a\xff");
    world.store_room("other");
    CHECK(world.call(world.a(), read().at(1)).starts_with("internal: "));
    CHECK(world.participants(world.a(), "room", "") == "bob ");
    CHECK(world.list(world.a(), "") == "other RM_aaaabbbbcccc; ");
    for (const Method& one : asked())
        if (one.unknown != kNobody) {
            CAPTURE(one.name);
            CHECK(world.call(world.a(), one).starts_with("internal: "));
        }
    world.server.store().run(world.now, std::array<std::string_view, 2>{"DEL", "rooms"});
    world.server.store().run(world.now, std::array<std::string_view, 3>{"SET", "rooms", "x"});
    CHECK(world.list(world.a(), "").starts_with("internal: twirp error unknown: Redis refuses"));
}

TEST_CASE("ClusterRoomService: without Redis rooms of this node go on, others do not [RDS-32]") {
    World world;
    world.have_room(world.a(), "room");
    world.server.stop(world.now);
    world.pass(Duration::millis(5));
    for (const Method& one : asked())
        CHECK(world.call(world.a(), one) == world.a().rooms.answer);
    std::vector<Method> all = asked();
    for (const Method& one : read())
        all.push_back(one);
    for (const Method& one : all) {
        CAPTURE(one.name);
        CHECK(world.call(world.b(), one, "", kLong).starts_with("unavailable: "));
    }
    CHECK(world.list(world.b(), "").starts_with("unavailable: "));
    CHECK(world.list(world.b(), "", {"room"}).starts_with("unavailable: "));
    CHECK(world.find(world.a(), "room") == "found by its node");
    CHECK(world.find(world.b(), "room") == "unavailable");
    CHECK(world.b().rooms.calls.empty());
}

TEST_CASE("ClusterRoomService: a node that does not answer is asked again [PSR-17]") {
    World world;
    world.have_room(world.b(), "room");
    world.b().rooms.holds = true;
    livekit::SendDataRequest request;
    request.set_room("room");
    const auto answer = world.start(world.a(), &Port::send_data, request);
    world.pass(Duration::millis(2900));
    CHECK(world.b().rooms.calls.size() == 1);
    world.pass(Duration::millis(300));
    REQUIRE(world.b().rooms.held.size() == 2);
    world.b().rooms.held.back()();
    world.pass(RoomCluster::kUsual);
    CHECK(*answer == world.b().rooms.answer);
}

TEST_CASE("PerformRpc: a slow method elsewhere is called once and waited for [API-14] [RPC-04]") {
    World world;
    world.have_room(world.b(), "room");
    world.b().rooms.holds = true;
    livekit::PerformRpcRequest request;
    request.set_room("room");
    request.set_destination_identity("ann");
    struct Case {
        std::uint32_t wanted;  // ms
        int seconds;           // that it waits, and what the way takes
    };
    for (const auto& [wanted, seconds] : {Case{0, 10}, {4'000, 4}, {3'600'000, 55}}) {
        CAPTURE(wanted);
        request.set_response_timeout_ms(wanted);
        const auto slow = world.start(world.a(), &Port::perform_rpc, request);
        const auto silent = world.start(world.a(), &Port::perform_rpc, request);
        world.pass(Duration::seconds(seconds) + Duration::millis(500));
        REQUIRE(world.b().rooms.held.size() == 2);
        CHECK(*slow == "waiting");
        world.b().rooms.held.front()();
        world.pass(RoomCluster::kUsual);
        CHECK(*slow == world.b().rooms.answer);
        world.pass(Duration::seconds(3));
        CHECK(*silent == "deadline_exceeded: twirp error unknown: request timed out");
        CHECK(world.b().rooms.take().size() == 2);
        world.b().rooms.held.clear();
    }
}

// ---------------------------------------------------------------- CreateRoom

TEST_CASE("CreateRoom: a room is made on the node that it is meant for [RPC-02] [NODE-11]") {
    World world;
    for (const char* tenant : {"", "acme"}) {
        const std::string key = token::room_key(tenant, "room");
        livekit::CreateRoomRequest wanted;
        wanted.set_name("room");
        wanted.set_node_id("b");
        wanted.set_metadata("new");
        livekit::Room room;
        REQUIRE(room.ParseFromString(world.create(world.a(), "room", "b", tenant)));
        CHECK(room.name() == "room");
        room.clear_name();
        CHECK(room.SerializeAsString() == world.b().rooms.answer);
        CHECK(world.field("room_node_map", key) == "b");
        REQUIRE(world.b().rooms.calls.size() == 1);
        CHECK(world.b().rooms.calls.front().request == wanted.SerializeAsString());
        CHECK(world.b().rooms.take() == Texts{std::string("create_room ") + tenant});
    }
    CHECK(world.a().rooms.calls.empty());
    // Here, as its own node is asked.
    CHECK(world.create(world.a(), "mine", "a", "acme") == world.a().rooms.answer);
    CHECK(world.field("room_node_map", token::room_key("acme", "mine")) == "a");
    CHECK(world.a().rooms.take() == Texts{"create_room acme"});
    CHECK(world.b().rooms.calls.empty());
}

TEST_CASE("CreateRoom: a room that there is stays where it is, whatever is wanted [NODE-11]") {
    World world;
    world.have_room(world.b(), "room");
    for (const char* wanted : {"", "a", "b", "unknown"}) {
        CHECK(world.create(world.a(), "room", wanted).ends_with(world.b().rooms.answer));
        CHECK(world.b().rooms.take() == Texts{"create_room "});
    }
    CHECK(world.field("room_node_map", "room") == "b");
    CHECK(world.a().rooms.calls.empty());
    CHECK(world.create(world.b(), "room", "a") == world.b().rooms.answer);
}

TEST_CASE("CreateRoom: no node to make it on [NODE-11] [NODE-12]") {
    RoomsNodeOptions options;
    options.limits = {1, 0};
    World world(2, options);
    CHECK(world.create(world.a(), "room", "c") == "unknown: could not find object");
    world.b().figures.num_tracks_in = 1;
    world.pass(Duration::seconds(5));
    CHECK(world.create(world.a(), "room", "b") == "unknown: reached configured limit for node");
    CHECK(world.field("room_node_map", "room") == "-");
    CHECK(world.a().rooms.calls.empty());
    CHECK(world.b().rooms.calls.empty());
}

TEST_CASE("CreateRoom: the other node's answer is waited for ten seconds, or says why [RPC-02]") {
    World world;
    world.b().rooms.error = api::service_error(api::ErrorCode::kInvalidArgument, "no such preset");
    CHECK(world.create(world.a(), "room", "b") ==
          "invalid_argument: twirp error unknown: no such preset");
    world.b().rooms.take();
    world.b().rooms.error.reset();
    world.b().rooms.holds = true;
    livekit::CreateRoomRequest request;
    request.set_name("room");
    const auto answer = world.start(world.a(), &Port::create_room, request);
    world.pass(Duration::seconds(9));
    CHECK(world.b().rooms.calls.size() == 1);
    CHECK(*answer == "waiting");
    world.pass(Duration::seconds(2));
    CHECK(world.b().rooms.calls.size() == 2);
    world.pass(Duration::seconds(20));
    CHECK(*answer == "deadline_exceeded: twirp error unknown: request timed out");
    CHECK(world.b().rooms.calls.size() == 3);
}

// ---------------------------------------------------------------- ListRooms

TEST_CASE("ListRooms: the rooms of all nodes, each tenant's own by their names [RPC-33] [API-02]") {
    World world;
    world.store_room("plain", "RM_1");
    world.store_room(token::room_key("acme", "plain"), "RM_2");
    world.store_room(token::room_key("acme", "standup"), "RM_3");
    world.store_room(token::room_key("acm", "estandup"), "RM_4");
    CHECK(world.list(world.a(), "") == "plain RM_1; ");
    CHECK(world.list(world.b(), "acme") == "plain RM_2; standup RM_3; ");
    CHECK(world.list(world.a(), "nobody").empty());
    CHECK(world.list(world.a(), "acme", {"standup", "nowhere", "estandup"}) == "standup RM_3; ");
    CHECK(world.list(world.a(), "", {"standup", "plain"}) == "plain RM_1; ");
    CHECK(world.list(world.a(), "", {"nowhere"}).empty());
    CHECK(world.list(world.a(), "", Texts(10'001, "x")).starts_with("internal: "));
    CHECK(world.a().rooms.calls.empty());
}

// ---------------------------------------------------------------- DeleteRoom

TEST_CASE("DeleteRoom: a room whose node has died goes from Redis, at once [RDS-27]") {
    for (const bool is_gone : {true, false}) {  // false: its connections are still there
        CAPTURE(is_gone);
        World world;
        world.have_room(world.b(), "room");
        world.have_room(world.b(), "other");
        if (is_gone) {
            world.kill("b");
            // Nobody answers, and it is not known to be dead.
            CHECK(world.remove(world.a(), "room") == kNobody);
            CHECK(world.field("rooms", "room") != "-");
        } else {
            world.b().frozen = true;
        }
        world.pass(Duration::seconds(10));
        CHECK(world.remove(world.a(), "room", Duration::millis(500)).empty());
        for (const char* key : {"rooms", "room_node_map"}) {
            CHECK(world.field(key, "room") == "-");
            CHECK(world.field(key, "other") != "-");
        }
        CHECK(world.field("room_participants:room", "ann") == "-");
        CHECK(world.a().ended == Texts{"room"});
        CHECK(world.remove(world.a(), "room") == kNoRoom);
    }
}

TEST_CASE("DeleteRoom: its node dies while it is asked [RDS-27]") {
    RoomsNodeOptions options;
    options.plan.pause = Duration::seconds(2);
    World world(2, options);
    world.have_room(world.b(), "room");
    world.b().frozen = true;  // so that its channels stay
    CHECK(world.remove(world.a(), "room", Duration::seconds(20)).empty());
    CHECK(world.field("rooms", "room") == "-");
    CHECK(world.a().ended == Texts{"room"});
}

TEST_CASE("DeleteRoom: a room that is stored and nobody's goes from Redis [RDS-27]") {
    World world;
    world.store_room("room");
    CHECK(world.remove(world.a(), "room").empty());
    CHECK(world.field("rooms", "room") == "-");
    CHECK(world.a().ended == Texts{"room"});
}

TEST_CASE("DeleteRoom: nothing is deleted of a room that somebody got meanwhile [RDS-27]") {
    World world;
    world.store_room("room");
    livekit::DeleteRoomRequest request;
    request.set_room("room");
    const auto answer = world.start(world.a(), &Port::delete_room, request);
    // Its record and whose it is have been read when another node places it.
    world.pass(Duration::micros(700));
    CHECK(*answer == "waiting");
    world.set("room_node_map", "room", "b");
    world.pass(RoomCluster::kUsual);
    CHECK(*answer == kNobody);
    CHECK(world.field("rooms", "room") != "-");
    CHECK(world.a().ended.empty());
}

TEST_CASE("DeleteRoom: an error of its node is no reason to delete what is stored [RDS-27]") {
    World world;
    world.have_room(world.b(), "room");
    world.b().rooms.error = api::service_error(api::ErrorCode::kInternal, "broken");
    CHECK(world.remove(world.a(), "room") == "internal: twirp error unknown: broken");
    CHECK(world.field("rooms", "room") != "-");
    // Redis goes while it is asked whose the room is.
    livekit::DeleteRoomRequest request;
    request.set_room("room");
    const auto answer = world.start(world.a(), &Port::delete_room, request);
    world.pass(Duration::micros(500));
    CHECK(*answer == "waiting");
    world.server.stop(world.now);
    world.pass(RoomCluster::kUsual);
    CHECK(answer->starts_with("unavailable: "));
    CHECK(world.b().rooms.take().size() == 1);
}

// ---------------------------------------------------------------- which node, and within one

TEST_CASE("find_room: the node itself, what the map of rooms says, or nowhere [RDS-06]") {
    World world;
    world.have_room(world.b(), "room");
    CHECK(world.find(world.a(), "room") == "b");
    CHECK(world.find(world.b(), "room") == "found by its node");
    CHECK(world.find(world.a(), "nowhere") == "nowhere");
    CHECK(world.b().rooms.calls.size() == 1);
    CHECK(world.b().rooms.calls.front().request == "room");
}

namespace {

// ann of "room" to another room, both of a tenant.
template <typename Request>
Request relocation(const std::string& destination) {
    Request request;
    request.set_room("room");
    request.set_identity("ann");
    request.set_destination_room(destination);
    return request;
}
std::string forward(World& world, RoomsNode& node, const std::string& destination) {
    return world.ask(node, &Port::forward_participant,
                     relocation<livekit::ForwardParticipantRequest>(destination), "acme");
}
std::string move(World& world, RoomsNode& node, const std::string& destination) {
    return world.ask(node, &Port::move_participant,
                     relocation<livekit::MoveParticipantRequest>(destination), "acme");
}
std::string acme(const std::string& room) {
    return token::room_key("acme", room);
}

}  // namespace

TEST_CASE("ForwardParticipant: by the node of the room, within it [RPC-04] [API-11]") {
    World world;
    CHECK(forward(world, world.a(), "other") == kNoParticipant);
    CHECK(world.field("room_node_map", acme("other")) == "-");
    world.have_room(world.a(), acme("room"));
    world.have_room(world.b(), acme("theirs"));
    for (RoomsNode* node : {&world.a(), &world.b()}) {
        CHECK(forward(world, *node, "theirs") == kApart);
        CHECK(world.a().rooms.calls.empty());
        CHECK(forward(world, *node, "other") == world.a().rooms.answer);
        CHECK(world.field("room_node_map", acme("other")) == "a");
        CHECK(world.a().rooms.take() == Texts{"forward_participant acme"});
    }
    CHECK(world.b().rooms.calls.empty());
}

TEST_CASE("MoveParticipant: to a room of its node, or a new one there [RPC-04] [API-12]") {
    World world;
    CHECK(move(world, world.a(), "new") == kNoParticipant);
    CHECK(world.field("room_node_map", acme("new")) == "-");
    world.have_room(world.a(), acme("room"));
    for (RoomsNode* node : {&world.a(), &world.b()}) {
        CHECK(move(world, *node, "new") == world.a().rooms.answer);
        CHECK(world.field("room_node_map", acme("new")) == "a");
        REQUIRE(world.a().rooms.calls.size() == 1);
        CHECK(world.a().rooms.calls.front().request ==
              relocation<livekit::MoveParticipantRequest>("new").SerializeAsString());
        CHECK(world.a().rooms.take() == Texts{"move_participant acme"});
    }
    for (const char* room : {"new1", "new2", "new3", "new4", "new5", "new6", "new7", "new8"}) {
        CHECK(move(world, world.b(), room) == world.a().rooms.answer);
        CHECK(world.field("room_node_map", acme(room)) == "a");
    }
    world.a().rooms.take();
    world.a().servers.add_room(acme("mine"));
    CHECK(move(world, world.a(), "mine") == world.a().rooms.answer);
    CHECK(world.a().sent_away.empty());
    CHECK(world.b().rooms.calls.empty());
}

TEST_CASE("MoveParticipant: to a room of another node: it is sent there [RPC-04] [API-12]") {
    World world;
    world.have_room(world.a(), acme("room"));
    world.have_room(world.b(), acme("theirs"));
    for (RoomsNode* node : {&world.a(), &world.b()}) {
        CHECK(move(world, *node, "theirs").empty());
        CHECK(world.a().sent_away == Texts{acme("room") + " ann theirs RM_aaaabbbbcccc"});
        world.a().sent_away.clear();
    }
    CHECK(world.a().rooms.calls.empty());
    CHECK(world.b().rooms.calls.empty());
    // One that is about to begin there, or has just ended.
    world.set("room_node_map", acme("soon"), "b");
    CHECK(move(world, world.a(), "soon") ==
          "unavailable: twirp error unknown: the destination room begins or ends at another node: "
          "try again");
    CHECK(world.a().sent_away.empty());
}

TEST_CASE("MoveParticipant: the node of the room is dead, or Redis: the caller is told [API-12]") {
    World world;
    world.have_room(world.a(), acme("room"));
    SUBCASE("the node") {
        world.kill("a");
        const auto answer = world.start(world.b(), &Port::move_participant,
                                        relocation<livekit::MoveParticipantRequest>("new"), "acme");
        CHECK(world.answered(answer, kLong) == kNobody);
    }
    SUBCASE("Redis, which knows where a room is") {
        world.server.hang(world.now);
        const auto answer =
            world.start(world.a(), &Port::move_participant,
                        relocation<livekit::MoveParticipantRequest>("newer"), "acme");
        world.a().registry.set_state({world.now, world.wall_at(world.now)},
                                     cluster::nodes::NodeState::kShuttingDown);
        world.pass(Duration::seconds(9));
        CHECK(answer->starts_with("unavailable: twirp error unknown: Redis does not answer"));
        CHECK(world.a().rooms.calls.empty());
    }
}

TEST_CASE("RemoveParticipant: tokens are revoked for all nodes, whoever is there [TOK-14]") {
    World world;
    livekit::RoomParticipantIdentity request;
    request.set_room("room");
    request.set_identity("ann");
    const auto remove = [&](RoomsNode& node) {
        return world.ask(node, &Port::remove_participant, request, "acme");
    };
    CHECK(remove(world.a()) == kNoParticipant);
    CHECK(world.a().revoked.empty());
    request.set_revoke_token_ts(77);
    CHECK(remove(world.a()) == kNoParticipant);
    CHECK(world.a().revoked == Texts{acme("room") + " ann 77"});
    // The node of the room does it itself.
    world.have_room(world.b(), acme("room"));
    CHECK(remove(world.b()) == world.b().rooms.answer);
    CHECK(world.b().revoked.empty());
    CHECK(world.b().rooms.take() == Texts{"remove_participant acme"});
}

TEST_CASE("move_to_worker: of the operator, for rooms of this node alone [MC-20]") {
    World world;
    world.have_room(world.b(), "room");
    std::string answer = "waiting";
    world.a().api.move_to_worker({world.now, std::nullopt, "acme"}, {"room", "ann", 1},
                                 [&](const auto& result) { answer = text_of(result); });
    CHECK(answer.empty());
    CHECK(world.a().rooms.take() == Texts{"move_to_worker acme"});
    CHECK(world.b().rooms.calls.empty());
}

}  // namespace confab::control
