// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/node_reconciler.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "cluster/nodes/nodes_testing.h"

namespace confab::cluster::nodes {
namespace {

struct World : Cluster {
    World() {
        for (const char* id : {"a", "b", "c"}) {
            TestNode& node = add(id);
            node.reconciler.start(now);
            pass(Duration::millis(300));
        }
        pass_seconds(25);
    }
    TestNode* leader() {
        TestNode* one = nullptr;
        for (const auto& [id, node] : nodes)
            if (node->reconciler.is_leader(now) && !node->frozen) one = node.get();
        return one;
    }
    int leaders() {
        int count = 0;
        for (const auto& [id, node] : nodes)
            count += node->reconciler.is_leader(now) ? 1 : 0;
        return count;
    }
    std::set<std::string> orphans() {
        std::set<std::string> rooms;
        for (const auto& [id, node] : nodes)
            for (const RoomOrphaned& orphan : node->orphans)
                rooms.insert(orphan.room);
        return rooms;
    }
};

}  // namespace

TEST_CASE("NodeReconciler: one leads, and another when it is dead [RDS-27]") {
    World world;
    for (int i = 0; i < 20; ++i) {
        CHECK(world.leaders() == 1);
        world.pass_seconds(7);
    }
    const std::string first = world.leader()->registry.id();
    CHECK(world.leader()->reconciler.snapshot().rounds >= 15);
    world.kill(first);
    CHECK(world.leaders() == 0);
    world.pass_seconds(40);
    CHECK(world.leaders() == 1);
    // One that stood still does not believe to lead.
    TestNode* stopped = world.leader();
    stopped->frozen = true;
    world.pass_seconds(60);
    CHECK(world.leaders() == 1);
    CHECK(world.leader() != stopped);
    stopped->frozen = false;
    world.pass_seconds(20);
    CHECK(world.leaders() == 1);
}

TEST_CASE(
    "NodeReconciler: a dead node's record goes after a minute, and its rooms are orphans "
    "[RDS-27]") {
    World world;
    const std::string dead = world.leader()->registry.id() == "a" ? "b" : "a";
    const std::string other = world.leader()->registry.id() == "c" ? "b" : "c";
    for (int i = 0; i < 5; ++i)
        CHECK(world[dead].place("room" + std::to_string(i), dead) == dead);
    CHECK(world[other == dead ? "c" : other].place("kept", "c", Duration::millis(50)) == "c");
    world.run({"HSET", kRoomsKey, "upstream", "ND_old"});  // whose node was gone before we came
    const Timestamp death = world.now;
    world.kill(dead);
    world.pass_seconds(50);
    CHECK(world.record(dead));
    CHECK(world.holder("room0") == dead);
    CHECK(world.orphans() == std::set<std::string>{"upstream"});
    CHECK(world.holder("upstream") == "");
    world.pass_seconds(25);
    CHECK_FALSE(world.record(dead));
    world.pass_seconds(30);
    CHECK(world.orphans() ==
          std::set<std::string>{"room0", "room1", "room2", "room3", "room4", "upstream"});
    CHECK(world.holder("room0") == "");
    CHECK(world.holder("kept") == "c");
    for (const RoomOrphaned& orphan : world.leader()->orphans) {
        if (orphan.room == "upstream") continue;
        CHECK(orphan.node == dead);
        CHECK(orphan.since - death >= Duration::seconds(60));
        CHECK(orphan.since <= world.now);
    }
    CHECK(world.leader()->orphans.size() == 6);  // each once
}

TEST_CASE("NodeReconciler: a silent node that is back within a minute loses nothing [RDS-27]") {
    World world;
    const std::string id = world.leader()->registry.id() == "a" ? "b" : "a";
    CHECK(world[id].place("room", id) == id);
    world[id].frozen = true;
    world.pass_seconds(50);
    world[id].frozen = false;
    world.pass_seconds(60);
    CHECK(world.holder("room") == id);
    CHECK(world[id].placement.is_here("room"));
    CHECK(world.orphans().empty());
}

TEST_CASE(
    "NodeReconciler: nobody loses rooms by an outage or a Redis that is empty [RDS-27] "
    "[NODE-14] [RDS-32]") {
    for (const bool cleared : {false, true}) {
        World world;
        for (const char* id : {"a", "b", "c"})
            for (int i = 0; i < 5; ++i)
                world[id].place(std::string(id) + std::to_string(i), id);
        world.server.stop(world.now);
        world.pass_seconds(120);
        if (cleared) world.server.store().clear();
        world.server.start(world.now);
        world.pass_seconds(120);
        CHECK(world.orphans().empty());
        for (const char* id : {"a", "b", "c"}) {
            CHECK(world.record(id));
            for (int i = 0; i < 5; ++i)
                CHECK(world.holder(std::string(id) + std::to_string(i)) == id);
        }
        CHECK(world.leaders() == 1);
    }
}

TEST_CASE("NodeReconciler: a room that was placed again meanwhile is no orphan [RDS-27]") {
    World world;
    world.run({"HSET", kRoomsKey, "room", "ND_old"});
    world.pass_seconds(5);
    CHECK(world["a"].place("room", "a", Duration::millis(600)) == "a");
    world.pass_seconds(60);
    CHECK(world.orphans().empty());
    CHECK(world.holder("room") == "a");
}

TEST_CASE("NodeReconciler: thousands of rooms, in pages and without haste [RDS-27]") {
    World world;
    for (int i = 0; i < 5000; ++i)
        world.run({"HSET", kRoomsKey, "room" + std::to_string(i), i % 2 == 0 ? "ND_old" : "a"});
    TestNode* leader = world.leader();
    const auto pages = leader->reconciler.snapshot().pages;
    world.pass_seconds(10);
    CHECK(leader->reconciler.snapshot().pages - pages >= 25);
    leader->takes_orphans = false;
    world.pass_seconds(40);
    // Nobody takes them: it waits, and in the end another one leads.
    CHECK(leader->reconciler.snapshot().orphaned <
          NodeReconciler::kMaxEvents + NodeReconciler::kPage);
    leader->takes_orphans = true;
    world.pass_seconds(60);
    CHECK(world.orphans().size() == 2500);
    CHECK(world.server.store().hash(kRoomsKey)->size() == 2500);
    CHECK(world.server.store().hash(kOrphansKey)->size() == 2500);
    for (const std::string& room : world.orphans())
        leader->reconciler.settle(world.now, room);
    world.pass_seconds(1);
    CHECK(world.server.store().hash(kOrphansKey) == nullptr);
}

TEST_CASE("NodeReconciler: what a leader left when it died is told by the next one [RDS-27]") {
    World world;
    world.run({"HSET", kRoomsKey, "settled", "ND_old", "left", "ND_old"});
    world.pass_seconds(40);
    TestNode* first = world.leader();
    REQUIRE(first->orphans.size() == 2);
    first->reconciler.settle(world.now, "settled");
    world.pass_seconds(1);
    world.kill(first->registry.id());
    CHECK(world.orphans().empty());
    world.pass_seconds(60);
    CHECK(world.orphans() == std::set<std::string>{"left"});
    CHECK(world.leader()->orphans[0].node == "ND_old");
    CHECK(world.leader()->orphans.size() == 1);
}

}  // namespace confab::cluster::nodes
