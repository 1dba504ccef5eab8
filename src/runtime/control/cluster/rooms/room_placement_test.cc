// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Where a room is, and what becomes at its node of what Redis had of it.
#include "runtime/control/cluster/rooms/room_placement.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "livekit_internal.pb.h"
#include "rpc/bus_contract_testing.h"
#include "runtime/control/cluster/room_cluster_testing.h"

namespace confab::control {
namespace {

constexpr const char* kDown =
    "unavailable: Redis does not answer, and the room is not on this node: try again, or look at "
    "redis.address and the server there";

std::string text_of(const Result<std::string, rpc::Error>& node) {
    return rpc::testing::text_of(node);
}

struct World : RoomCluster {
    using RoomCluster::RoomCluster;

    std::string join(RoomsNode& node, const std::string& room, Duration wait = kUsual) {
        return answer_of(wait, [&](RoomPlacement::Found found) {
            node.places.find_node(now, room, std::move(found));
        });
    }
    std::string place(RoomsNode& node, const std::string& room, const std::string& wanted = "",
                      Duration wait = kUsual) {
        return answer_of(wait, [&](RoomPlacement::Found found) {
            node.places.place(now, room, wanted, std::move(found));
        });
    }
    std::string check(RoomsNode& node, const std::string& room, Duration wait = kUsual) {
        const auto answer = std::make_shared<std::string>("waiting");
        node.places.check_here(now, room,
                               [answer](bool here) { *answer = here ? "here" : "not here"; });
        return answered(answer, wait);
    }
    // "" if the node has no such room; else its sid, when it was made and its metadata.
    static std::string room_of(RoomsNode& node, const std::string& key, std::size_t shard = 0) {
        const auto text = std::make_shared<std::string>("waiting");
        node.host.control().ask<std::string>(
            shard,
            [key](ControlPlane& plane, Callback<std::string> answer) {
                livekit::ListRoomsRequest request;
                request.add_names(key);
                const auto list =
                    plane.rooms().list_rooms(request, std::string(token::tenant_in(key)));
                if (list.rooms().empty()) return answer("");
                const livekit::Room& room = list.rooms(0);
                answer(room.name() + " " + room.sid() + " " + std::to_string(room.creation_time()) +
                       " " + room.metadata());
            },
            [text](const std::optional<std::string>& said) { *text = said.value_or("silent"); });
        REQUIRE(node.host.eventually([&] { return *text != "waiting"; }));
        return *text;
    }
    std::uint64_t reads() const { return server.count("HGET"); }

  private:
    template <typename F>
    std::string answer_of(Duration wait, F ask) {
        const auto answer = std::make_shared<std::string>("waiting");
        ask([answer](const Result<std::string, rpc::Error>& node) {
            CHECK(*answer == "waiting");
            *answer = text_of(node);
        });
        return answered(answer, wait);
    }
};
RoomsNodeOptions full_of_one() {
    RoomsNodeOptions options;
    options.limits = {1, 0};
    return options;
}

}  // namespace

TEST_CASE("RoomPlacement: a new room is this node's, and made by who comes [NODE-10] [NODE-11]") {
    World world(1);
    CHECK(world.join(world.a(), "room") == "a");
    CHECK(world.field("room_node_map", "room") == "a");
    CHECK(world.room_of(world.a(), "room").empty());
    CHECK(world.place(world.a(), "other", "a") == "a");
    CHECK(world.check(world.a(), "third") == "here");
    CHECK(world.field("room_node_map", "third") == "a");
}

TEST_CASE("RoomPlacement: a room elsewhere stays there and is not made here [NODE-10] [NODE-11]") {
    World world;
    world.store_room("room");
    CHECK(world.place(world.a(), "room", "b") == "b");
    CHECK(world.join(world.a(), "room") == "b");
    CHECK(world.place(world.a(), "room", "a") == "b");
    CHECK(world.check(world.a(), "room") == "not here");
    CHECK(world.room_of(world.a(), "room").empty());
    CHECK(world.check(world.b(), "room") == "here");
    CHECK(world.room_of(world.b(), "room") == "room RM_aaaabbbbcccc 1699999000 kept");
}

TEST_CASE("RoomPlacement: what Redis has of a room lives on before the answer [RDS-21] [RDS-27]") {
    World world(1);
    const std::string key = token::room_key("acme", "room");
    world.set("rooms", key, RoomCluster::room_record("any", "RM_xxxxyyyyzzzz").SerializeAsString());
    livekit::RoomInternal internal;
    internal.set_sync_streams(true);
    world.set("room_internal", key, internal.SerializeAsString());
    world.set("room_node_map", key, "a node of old");
    std::vector<room::StoreRoom> stored;
    world.a().host.control().set_store([&](const StoreEffect& effect) {
        if (const auto* room = std::get_if<room::StoreRoom>(&effect)) stored.push_back(*room);
    });
    bool is_there = false;
    world.a().places.find_node(world.now, key, [&](const Result<std::string, rpc::Error>& node) {
        CHECK(text_of(node) == "a");
        is_there = world.a().host.control().first().rooms().has_room(key);
    });
    world.pass(RoomCluster::kUsual);
    CHECK(is_there);
    CHECK(world.field("room_node_map", key) == "a");
    CHECK(world.room_of(world.a(), key) == "room RM_xxxxyyyyzzzz 1699999000 kept");
    // What its record is for other nodes does not wait for somebody to come.
    world.a().host.turn();
    REQUIRE(stored.size() == 1);
    CHECK(stored.front().room.name() == key);
    CHECK(stored.front().internal == internal.SerializeAsString());
}

TEST_CASE("RoomPlacement: a stored room without an internal part lives on too [RDS-03] [RDS-21]") {
    World world(1);
    world.store_room("room");
    CHECK(world.place(world.a(), "room") == "a");
    CHECK(world.room_of(world.a(), "room") == "room RM_aaaabbbbcccc 1699999000 kept");
}

TEST_CASE("RoomPlacement: with a stored room come its dispatches, by their age [RDS-18] [DSP-29]") {
    World world(1);
    world.store_room("room");
    const auto dispatch = [&](const std::string& id, std::int64_t created) {
        livekit::AgentDispatch one;
        one.set_id(id);
        one.set_agent_name(id);
        one.mutable_state()->set_created_at(created);
        world.set("agent_dispatch:room", id, one.SerializeAsString());
    };
    dispatch("AD_000000000001", 2);
    dispatch("AD_000000000002", 1);
    world.set("agent_dispatch:room", "AD_000000000003", "\xff");
    livekit::Job job;
    job.set_id("AJ_000000000001");
    job.set_dispatch_id("AD_000000000001");
    job.mutable_state()->set_status(livekit::JS_SUCCESS);
    world.set("agent_job:room", job.id(), job.SerializeAsString());
    CHECK(world.place(world.a(), "room") == "a");
    livekit::ListAgentDispatchRequest request;
    request.set_room("room");
    ControlPlane& plane = world.a().host.control().first();
    const auto listed = plane.rooms().list_dispatch(plane.clock(), request);
    REQUIRE(listed);
    REQUIRE(listed->agent_dispatches_size() == 2);
    CHECK(listed->agent_dispatches(0).id() == "AD_000000000002");
    CHECK(listed->agent_dispatches(1).state().jobs(0).id() == "AJ_000000000001");
}

TEST_CASE("RoomPlacement: a stored room goes to the shard that has its name [RDS-21]") {
    RoomsNodeOptions options;
    options.shards = 2;
    World world(1, options);
    std::string room = "room";
    while (world.a().host.control().shard_of(room) != 1)
        room += '.';
    world.store_room(room);
    const auto answer = std::make_shared<std::string>("waiting");
    world.a().places.place(
        world.now, room, "",
        [answer](const Result<std::string, rpc::Error>& node) { *answer = text_of(node); });
    world.pass(RoomCluster::kUsual);
    CHECK(*answer == "waiting");  // the shard is in another thread
    CHECK(world.a().host.eventually([&] { return *answer != "waiting"; }));
    CHECK(*answer == "a");
    CHECK(world.room_of(world.a(), room, 1).starts_with(room + " RM_aaaabbbbcccc "));
    CHECK(world.room_of(world.a(), room, 0).empty());
}

TEST_CASE("RoomPlacement: a room that lives here needs no Redis [NODE-11] [RDS-32]") {
    World world;
    world.store_room("room");
    world.set("room_node_map", "room", "b");
    world.a().servers.add_room("room");
    const std::uint64_t before = world.reads();
    std::string answer;
    world.a().places.find_node(world.now, "room",
                               [&](const auto& node) { answer = text_of(node); });
    CHECK(answer == "a");  // at once
    CHECK(world.place(world.a(), "room", "b") == "a");
    CHECK(world.check(world.a(), "room") == "here");
    CHECK(world.reads() == before);
    CHECK(world.room_of(world.a(), "room").empty());
}

TEST_CASE("RoomPlacement: made here while it was placed, it is not made of its record [RDS-21]") {
    World world(1);
    world.store_room("room");
    const auto answer = std::make_shared<std::string>("waiting");
    world.a().places.place(world.now, "room", "",
                           [answer](const auto& node) { *answer = text_of(node); });
    world.a().servers.add_room("room");
    world.pass(RoomCluster::kUsual);
    CHECK(*answer == "a");
    CHECK(world.room_of(world.a(), "room").empty());
}

TEST_CASE("RoomPlacement: a record that is none is passed over, the room made anew [RDS-27]") {
    World world(1);
    world.set("rooms", "garbage", "\x0a\xff");
    world.set("rooms", "nameless", RoomCluster::room_record("x", "no sid").SerializeAsString());
    world.store_room("good");
    world.set("room_internal", "good", "\x0a\xff");
    for (const char* room : {"garbage", "nameless", "good"}) {
        CHECK(world.join(world.a(), room) == "a");
        CHECK(world.room_of(world.a(), room).empty());
    }
}

TEST_CASE("RoomPlacement: a full node takes neither its rooms nor new ones [NODE-12]") {
    World world(1, full_of_one());
    CHECK(world.join(world.a(), "old") == "a");
    world.a().figures.num_tracks_in = 1;
    world.pass(Duration::seconds(5));
    for (const char* room : {"old", "new"}) {
        CHECK(world.join(world.a(), room) == "unavailable: node has exceeded its configured limit");
        CHECK(world.place(world.a(), room) == "unknown: reached configured limit for node");
        CHECK(world.check(world.a(), room) == "not here");
    }
    CHECK(world.field("room_node_map", "new") == "-");
}

TEST_CASE("RoomPlacement: no node that takes a room, and one that there is not [NODE-11]") {
    World world;
    CHECK(world.place(world.a(), "room", "c") == "unknown: could not find object");
    for (const auto& [id, node] : world.nodes)
        node->registry.set_state({world.now, world.wall_at(world.now)},
                                 cluster::nodes::NodeState::kShuttingDown);
    world.pass(Duration::seconds(5));
    const std::string none = world.join(world.a(), "room");
    CHECK(none.starts_with("unknown: "));
    CHECK(none.find("SHUTTING_DOWN") != std::string::npos);
    CHECK(world.place(world.a(), "room") == none);
    CHECK(world.field("room_node_map", "room") == "-");
}

TEST_CASE("RoomPlacement: Redis is down: new rooms are here, or are refused as may mend [RDS-32]") {
    RoomsNodeOptions strict;
    strict.allow_local = false;
    for (const bool allowed : {true, false}) {
        World world(2, allowed ? RoomsNodeOptions{} : strict);
        world.store_room("theirs");
        CHECK(world.place(world.a(), "theirs", "b") == "b");
        world.server.stop(world.now);
        world.pass(Duration::millis(5));
        // It may be back soon; after a while nobody waits for that any more.
        CHECK(world.join(world.a(), "theirs") == "waiting");
        CHECK(world.join(world.a(), "theirs", Duration::seconds(8)) == kDown);
        world.pass(Duration::seconds(2));
        CHECK(world.join(world.a(), "theirs") == kDown);
        CHECK(world.join(world.a(), "new") == (allowed ? "a" : kDown));
        CHECK(world.check(world.a(), "newer") == (allowed ? "here" : "not here"));
        CHECK(world.place(world.a(), "wanted", "b") == kDown);
        CHECK(world.room_of(world.a(), "new").empty());
    }
}

TEST_CASE("RoomPlacement: Redis hangs: nobody waits longer than the placement [RDS-32]") {
    World world;
    world.server.hang(world.now);
    CHECK(world.join(world.a(), "room", Duration::millis(1900)) == "waiting");
    CHECK(world.join(world.a(), "other", Duration::millis(2100)) == "a");
}

TEST_CASE("RoomPlacement: Redis goes while a record is read: the room is here all the same") {
    World world(1);
    world.store_room("room");
    const auto answer = std::make_shared<std::string>("waiting");
    world.a().places.place(world.now, "room", "",
                           [answer](const auto& node) { *answer = text_of(node); });
    for (int i = 0; i < 20 && world.field("room_node_map", "room") == "-"; ++i)
        world.pass(Duration::micros(100));
    world.pass(Duration::micros(300));
    REQUIRE(*answer == "waiting");
    world.server.stop(world.now);
    world.pass(RoomCluster::kUsual);
    CHECK(*answer == "a");
    CHECK(world.room_of(world.a(), "room").empty());
}

TEST_CASE("RoomPlacement: too many at once are to try again [NODE-11]") {
    World world;
    world.server.hang(world.now);
    std::vector<std::string> answers;
    for (std::size_t i = 0; i <= cluster::nodes::Placement::kMaxWaiting; ++i)
        world.a().places.find_node(world.now, std::to_string(i),
                                   [&](const auto& node) { answers.push_back(text_of(node)); });
    world.pass(Duration::millis(1));
    REQUIRE(answers.size() == 1);
    CHECK(answers.front() == "unavailable: too many rooms are being placed, try again");
}

}  // namespace confab::control
