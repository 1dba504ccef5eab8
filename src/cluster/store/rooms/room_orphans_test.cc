// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_orphans.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "cluster/store/masters_testing.h"
#include "cluster/store/world_testing.h"
#include "livekit_models.pb.h"

namespace confab::cluster::store {
namespace {

using testing::Apart;
using testing::Kept;
using testing::Together;
using testing::World;

std::string room_record(std::uint32_t departure) {
    livekit::Room room;
    room.set_sid("RM_1");
    room.set_departure_timeout(departure);
    return room.SerializeAsString();
}

template <typename Form>
struct Node {
    explicit Node(World& world)
        : port(testing::attach(world, Form::kForm, [this](Timestamp at) {
              if (orphans) orphans->handle_up(at);
          })) {
        orphans = std::make_unique<RoomOrphans>(
            *port, world.notices,
            [this](Timestamp, const std::string& name, const std::string& room) {
                finished.push_back(name + "=" + room);
            },
            Form::kForm);
        world.drive(*orphans);
    }
    std::vector<std::string> finished;
    std::unique_ptr<RoomOrphans> orphans;
    std::unique_ptr<redis::Port> port;
};

void leave_behind(World& world, const std::string& room, const std::string& record) {
    world.run({"HSET", "rooms", room, record});
    world.run({"HSET", "room_internal", room, "i"});
    world.run({"HSET", "room_node_map", room, "ND_dead"});
    world.run({"HSET", "room_participants:" + room, "alice", "a"});
    world.run({"HSET", "agent_dispatch:" + room, "d", "x"});
    world.run({"HSET", "agent_job:" + room, "j", "x"});
}

}  // namespace

TEST_CASE_TEMPLATE(
    "RoomOrphans: a room nobody takes again goes after its departure timeout [RDS-27]", F, Together,
    Apart) {
    World world;
    Node<F> node(world);
    leave_behind(world, "r", room_record(30));
    leave_behind(world, "usual", room_record(0));
    leave_behind(world, "odd", "\xff");
    for (const char* room : {"r", "usual", "odd", "nothing"})
        node.orphans->orphaned(world.now, room, "ND_dead");
    world.run({"HDEL", "room_node_map", "usual"});  // routing taken away before
    world.pass(Duration::millis(19'900));
    CHECK(node.finished.empty());
    for (int i = 0; i < 10; ++i)
        node.orphans->orphaned(world.now, "r", "ND_dead");  // reported again: no new start
    world.pass(Duration::millis(200));
    CHECK(node.finished == std::vector<std::string>{"odd=\xff", "usual=" + room_record(0)});
    world.pass(Duration::seconds(10));
    CHECK(node.finished.back() == "r=" + room_record(30));
    CHECK(node.finished.size() == 3);
    CHECK(world.server.store().keys().empty());
    CHECK(node.orphans->waiting() == 0);
}

TEST_CASE_TEMPLATE("RoomOrphans: a room that somebody has again stays [RDS-27] [NODE-16]", F,
                   Together, Apart) {
    World world;
    Node<F> node(world);
    leave_behind(world, "r", room_record(20));
    node.orphans->orphaned(world.now, "r", "ND_dead");
    world.pass(Duration::seconds(19));
    world.run({"HSET", "room_node_map", "r", "ND_new"});
    world.pass(Duration::seconds(60));
    CHECK(node.finished.empty());
    CHECK(world.field("rooms", "r") == room_record(20));
    CHECK(world.field("room_node_map", "r") == "ND_new");
    CHECK(node.orphans->waiting() == 0);
}

TEST_CASE_TEMPLATE("RoomOrphans: of two nodes that are told, one reports", F, Together, Apart) {
    World world;
    Node<F> a(world);
    Node<F> b(world);
    leave_behind(world, "r", room_record(20));
    a.orphans->orphaned(world.now, "r", "ND_dead");
    b.orphans->orphaned(world.now, "r", "ND_dead");
    world.pass(Duration::seconds(30));
    CHECK(a.finished.size() + b.finished.size() == 1);
}

TEST_CASE_TEMPLATE("RoomOrphans: outages delay it, and a reply that is lost loses no report", F,
                   Together, Apart) {
    World world;
    Node<F> node(world);
    leave_behind(world, "r", room_record(20));
    world.server.stop(world.now);
    node.orphans->orphaned(world.now, "r", "ND_dead");
    world.pass(Duration::seconds(60));
    world.server.start(world.now);
    world.pass(Duration::seconds(19));
    CHECK(world.field("rooms", "r") == room_record(20));
    bool cut = false;
    for (int i = 0; i < 100'000 && !cut; ++i) {
        world.pass(Duration::micros(100));
        cut = world.field("rooms", "r") == "-";  // deleted; the reply is on its way
    }
    REQUIRE(cut);
    world.server.stop(world.now);
    world.server.start(world.now);
    world.pass(Duration::seconds(10));
    CHECK(node.finished == std::vector<std::string>{"r=" + room_record(20)});
    leave_behind(world, "s", room_record(20));
    world.server.hang(world.now);
    node.orphans->orphaned(world.now, "s", "ND_dead");
    world.pass(Duration::seconds(7));
    world.server.go_on(world.now);
    world.pass(Duration::seconds(30));
    CHECK(node.finished.size() == 2);
}

TEST_CASE_TEMPLATE(
    "RoomOrphans: DeleteRoom of a room whose node is gone takes it from the store [RDS-27]", F,
    Together, Apart) {
    World world;
    Node<F> node(world);
    leave_behind(world, "r", room_record(20));
    Kept<RoomOrphans::Outcome> other;
    node.orphans->delete_now(world.now, "r", "ND_someone", other.done());
    world.pass(Duration::millis(10));
    CHECK_FALSE(other.value().deleted);
    CHECK(other.value().node == "ND_dead");
    CHECK(world.field("rooms", "r") == room_record(20));
    Kept<RoomOrphans::Outcome> gone;
    node.orphans->orphaned(world.now, "r", "ND_dead");
    node.orphans->delete_now(world.now, "r", "ND_dead", gone.done());
    world.pass(Duration::seconds(60));
    CHECK(gone.value().deleted);
    CHECK(gone.value().room == room_record(20));
    CHECK(world.server.store().keys().empty());
    CHECK(node.finished.size() == 1);  // once
    Kept<RoomOrphans::Outcome> nothing;
    node.orphans->delete_now(world.now, "r", "", nothing.done());
    world.pass(Duration::millis(10));
    CHECK(nothing.value().deleted);
    CHECK(nothing.value().room.empty());
    world.server.stop(world.now);
    Kept<RoomOrphans::Outcome> down;
    node.orphans->delete_now(world.now, "r", "", down.done());
    CHECK(down.error() == Failure::Code::kUnavailable);
}

TEST_CASE_TEMPLATE("RoomOrphans: a thousand at once, few on the way", F, Together, Apart) {
    World world;
    Node<F> node(world);
    for (int i = 0; i < 1000; ++i) {
        leave_behind(world, "r" + std::to_string(i), room_record(20));
        node.orphans->orphaned(world.now, "r" + std::to_string(i), "ND_dead");
    }
    world.pass(Duration::seconds(30));
    CHECK(node.finished.size() == 1000);
    CHECK(world.server.store().keys().empty());
}

}  // namespace confab::cluster::store
