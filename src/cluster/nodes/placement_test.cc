// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/placement.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "cluster/nodes/nodes_testing.h"
#include "redis/lifeline.h"

namespace confab::cluster::nodes {
namespace {

using Code = PlaceError::Code;

// Three nodes that know each other.
struct Three : Cluster {
    explicit Three(const NodeOptions& options = {}) {
        for (const char* id : {"a", "b", "c"})
            add(id, options);
        pass_seconds(10);
    }
    TestNode& a() { return (*this)["a"]; }
    TestNode& b() { return (*this)["b"]; }
    TestNode& c() { return (*this)["c"]; }
    std::uint64_t commands() const {
        return server.count("HGET") + server.count("EVAL") + server.count("HSETNX") +
               server.count("HMGET") + server.count("GET") + server.count("HEXISTS");
    }
};
NodeOptions limited(std::int64_t tracks) {
    NodeOptions options;
    options.limits = {tracks, 0};
    return options;
}

}  // namespace

TEST_CASE(
    "Placement: a new room costs two commands, a room elsewhere one, an own one none "
    "[NODE-11] [RDS-06]") {
    Three world;
    std::uint64_t before = world.commands();
    const auto hvals = world.server.count("HVALS");
    const std::string node = world.a().place("room", "b");
    CHECK(node == "b");
    CHECK(world.holder("room") == "b");
    CHECK(world.commands() - before == 2);
    before = world.commands();
    CHECK(world.a().place("room") == "b");
    CHECK(world.c().place("room", "c") == "b");
    CHECK(world.commands() - before == 2);
    before = world.commands();
    CHECK(world.b().place("room") == "b");  // b did not know yet
    CHECK(world.commands() - before == 1);
    CHECK(world.b().placement.is_here("room"));
    CHECK(world.b().place("room", "a") == "b");
    CHECK(world.commands() - before == 1);
    CHECK(world.server.count("HVALS") <= hvals + 3);
    before = world.commands();
    const std::string own = world.a().place("mine", "a");
    CHECK(own == "a");
    CHECK(world.commands() - before == 2);
    CHECK(world.a().placement.is_here("mine"));
    CHECK(world.a().place("mine") == "a");
    CHECK(world.commands() - before == 2);
    CHECK(world.a().placement.snapshot().here == 1);
}

TEST_CASE("Placement: two nodes that place one room at once agree [NODE-16]") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed)
        for (const bool reversed : {false, true}) {
            Cluster world;
            NodeOptions options;
            options.seed = seed;
            for (const char* id : {"a", "b", "c"})
                world.add(id, options);
            world.pass_seconds(3);
            std::vector<std::string> said;
            TestNode& first = world[reversed ? "b" : "a"];
            TestNode& second = world[reversed ? "a" : "b"];
            first.place_into(said, "room");
            if (seed % 3 == 1) world.pass(Duration::micros(300));  // between its two commands
            if (seed % 3 == 2) world.pass(Duration::micros(500));
            second.place_into(said, "room");
            world.pass(Duration::millis(20));
            REQUIRE(said.size() == 2);
            CHECK(said[0] == said[1]);
            CHECK(said[0] == world.holder("room"));
            CHECK(world["a"].placement.is_here("room") == (said[0] == "a"));
            CHECK(world["b"].placement.is_here("room") == (said[0] == "b"));
        }
}

TEST_CASE(
    "Placement: a room whose node is dead is placed again, by one of two [NODE-11] [NODE-16]") {
    for (const bool reversed : {false, true}) {
        Three world;
        CHECK(world.a().place("room", "c") == "c");
        world.kill("c");
        world.pass_seconds(3);
        CHECK(world.a().place("room") == "c");  // its record is not five seconds old
        world.pass_seconds(5);
        std::vector<std::string> said;
        world[reversed ? "b" : "a"].place_into(said, "room", "a");
        world[reversed ? "a" : "b"].place_into(said, "room", "b");
        world.pass(Duration::millis(600));
        REQUIRE(said.size() == 2);
        CHECK(said[0] == said[1]);
        CHECK(said[0] == world.holder("room"));
        CHECK(said[0] != "c");
        CHECK(world.a().placement.snapshot().replaced + world.b().placement.snapshot().replaced ==
              1);
    }
}

// "old" held "room" when it was killed, 6 s ago.
void kill_with_room(Cluster& world) {
    world.add("old");
    world.pass_seconds(3);
    CHECK(world["old"].place("room", "old") == "old");
    world.kill("old");
    world.pass_seconds(6);
}

TEST_CASE(
    "Placement: rooms of a process that was killed are placed by the next one soon "
    "[NODE-11] [NODE-24]") {
    Cluster world;
    kill_with_room(world);
    TestNode& next = world.add("next");
    world.pass(Duration::millis(20));  // until it is connected
    const Duration taken =
        world.until([&] { return next.place("room", "", Duration::millis(300)) == "next"; });
    CHECK(taken < Duration::millis(3300));
    CHECK(world.holder("room") == "next");
    CHECK(next.count("died old") == 1);
    // No longer than that, either.
    const auto asked = world.server.count("PUBSUB");
    CHECK(asked <= 4);
    world.pass_seconds(20);
    CHECK(world.server.count("PUBSUB") == asked);
}

TEST_CASE("Placement: rooms of who looks old and listens stay [NODE-11] [NODE-16]") {
    Cluster world;
    NodeOptions behind;
    behind.skew = -Duration::seconds(3600);
    world.add("behind", behind);
    world.add("stopped");
    world.pass_seconds(3);
    CHECK(world["behind"].place("late", "behind") == "behind");
    CHECK(world["stopped"].place("still", "stopped") == "stopped");
    world["stopped"].frozen = true;
    world.pass_seconds(6);
    TestNode& next = world.add("next");
    world.pass(Duration::millis(20));
    for (const Timestamp begin = world.now; world.now - begin < Duration::seconds(4);) {
        CHECK(next.place("late", "", Duration::millis(250)) == "behind");
        CHECK(next.place("still", "", Duration::millis(250)) == "stopped");
    }
}

TEST_CASE(
    "Placement: a node that starts when Redis is back from an outage takes nothing from one that "
    "is still on its way [NODE-11] [NODE-14] [NODE-16]") {
    Cluster world;
    TestNode& living = world.add("living");
    world.pass_seconds(3);
    CHECK(living.place("room", "living") == "living");
    world.server.stop(world.now);
    living.port->stay_away();
    world.pass_seconds(20);
    world.server.start(world.now);
    TestNode& next = world.add("next");
    world.pass(Duration::millis(20));
    const Timestamp back = world.now + redis::Lifeline::kLongestPause;
    while (world.now < back)
        CHECK(next.place("room", "", Duration::millis(100)) == "living");
    living.port->come_back(world.now);
    for (const Timestamp end = world.now + Duration::seconds(10); world.now < end;)
        CHECK(next.place("room", "", Duration::millis(250)) == "living");
    CHECK(living.place("room") == "living");
    CHECK(living.conflicts.empty());
    CHECK(world.holder("room") == "living");
    CHECK(next.count("died living") == 0);
}

TEST_CASE("Placement: when Redis was away, that nobody listens says nothing [NODE-14]") {
    Cluster world;
    kill_with_room(world);
    world.server.stop(world.now);
    TestNode& next = world.add("next");
    world.pass_seconds(1);
    world.server.start(world.now);
    world.pass_seconds(1);
    for (const Timestamp begin = world.now; world.now - begin < Duration::seconds(4);)
        CHECK(next.place("room", "", Duration::millis(250)) == "old");
    world.pass_seconds(4);
    CHECK(next.place("room", "", Duration::millis(600)) == "next");
}

TEST_CASE("Placement: a mapping to a node that has just come is not replaced [NODE-11]") {
    Three world;
    const auto polls = world.a().registry.snapshot().polls;
    world.until([&] { return world.a().registry.snapshot().polls > polls; });
    world.add("d");
    CHECK(world["d"].place("room", "d", Duration::millis(400)) == "d");
    // a has not read the table since.
    REQUIRE_FALSE(world.a().registry.table().is_usable("d"));
    CHECK(world.a().place("room", "", Duration::millis(600)) == "d");
    CHECK(world.b().place("other", "d", Duration::millis(600)) == "d");
}

TEST_CASE(
    "Placement: a node dies while a room is placed on it, and comes back [NODE-11] [NODE-24]") {
    Three world;
    world.c().frozen = true;
    CHECK(world.a().place("room", "c") == "c");
    world.pass_seconds(6);
    const std::string next = world.a().place("room", "", Duration::millis(600));
    CHECK(next != "c");
    CHECK(world.holder("room") == next);
    world.c().frozen = false;
    world.pass_seconds(5);
    CHECK(world.c().place("room") == next);
    CHECK_FALSE(world.c().placement.is_here("room"));
}

TEST_CASE("Placement: a stopped node that comes back learns which rooms it has lost [NODE-16]") {
    Three world;
    CHECK(world.c().place("lost", "c") == "c");
    CHECK(world.c().place("kept", "c") == "c");
    world.c().frozen = true;
    world.pass_seconds(8);
    CHECK(world.a().place("lost", "a", Duration::millis(600)) == "a");
    world.c().frozen = false;
    world.pass(Duration::millis(100));
    REQUIRE(world.c().conflicts.size() == 1);
    CHECK(world.c().conflicts[0].room == "lost");
    CHECK(world.c().conflicts[0].holder == "a");
    CHECK_FALSE(world.c().placement.is_here("lost"));
    CHECK(world.c().placement.is_here("kept"));
    CHECK(world.holder("lost") == "a");
    CHECK(world.holder("kept") == "c");
}

TEST_CASE("Placement: a draining node keeps its rooms and gets no new ones [NODE-04] [NODE-13]") {
    Three world;
    CHECK(world.a().place("room", "c") == "c");
    world.c().registry.set_state(world.c().clock(), NodeState::kShuttingDown);
    CHECK(world.c().place("at once") != "c");
    world.pass_seconds(3);
    CHECK(world.a().place("room") == "c");
    for (int i = 0; i < 30; ++i)
        CHECK(world.a().place("new" + std::to_string(i)) != "c");
    for (int i = 0; i < 10; ++i)
        CHECK(world.c().place("more" + std::to_string(i)) != "c");
    for (const char* id : {"a", "b"})
        world[id].registry.set_state(world[id].clock(), NodeState::kShuttingDown);
    world.c().registry.set_state(world.c().clock(), NodeState::kServing);
    CHECK(world.c().place("again") == "c");
    for (const char* id : {"a", "b"})
        world[id].registry.set_state(world[id].clock(), NodeState::kServing);
    world.pass_seconds(3);
    std::set<std::string> nodes;
    for (int i = 0; i < 30; ++i)
        nodes.insert(world.a().place("newer" + std::to_string(i)));
    CHECK(nodes.contains("c"));
}

TEST_CASE("Placement: a draining node gives its rooms to others, and all agree [OPS-01]") {
    Three world;
    const auto hand_over = [&](const std::string& room) {
        std::string result;
        world.a().placement.hand_over(world.now, room,
                                      [&](Timestamp, const Placement::Outcome& outcome) {
                                          result = outcome ? outcome->node : outcome.error().text;
                                      });
        world.pass(Duration::millis(10));
        return result;
    };
    CHECK(world.a().place("room", "a") == "a");
    CHECK(world.a().place("theirs", "b") == "b");
    world.a().registry.set_state(world.a().clock(), NodeState::kShuttingDown);
    world.pass_seconds(3);
    const std::string next = hand_over("room");
    CHECK((next == "b" || next == "c"));
    CHECK(world.holder("room") == next);
    CHECK(!world.a().placement.is_here("room"));
    for (const char* id : {"a", "b", "c"})
        CHECK(world[id].place("room") == next);
    // Its end here takes nothing away from the other, and is no conflict.
    world.a().placement.release(world.now, "room");
    world.a().placement.recheck(world.now);
    world.pass_seconds(2);
    CHECK(world.holder("room") == next);
    CHECK(world.a().conflicts.empty());
    // Somebody else's is not taken from there.
    CHECK(hand_over("theirs") == "b");
    CHECK(world.holder("theirs") == "b");
}

TEST_CASE("Placement: a room that nobody takes stays where it is [OPS-01]") {
    Three world;
    CHECK(world.a().place("room", "a") == "a");
    for (const char* id : {"a", "b", "c"})
        world[id].registry.set_state(world[id].clock(), NodeState::kShuttingDown);
    world.pass_seconds(3);
    bool failed = false;
    world.a().placement.hand_over(
        world.now, "room",
        [&](Timestamp, const Placement::Outcome& outcome) { failed = !outcome; });
    world.pass(Duration::millis(10));
    CHECK(failed);
    CHECK(world.a().placement.is_here("room"));
    CHECK(world.holder("room") == "a");
}

TEST_CASE("Placement: a wanted node has to be there [NODE-11]") {
    Three world;
    CHECK(world.a().place("room", "nobody", Duration::millis(600)) == "could not find object");
    CHECK(world.a().error->code == Code::kUnknownNode);
    CHECK(world.holder("room") == "");  // upstream writes it down, and the room is nowhere
    world.kill("c");
    world.pass_seconds(8);
    CHECK(world.a().place("room", "c", Duration::millis(600)) == "could not find object");
    CHECK(world.a().place("room", "b") == "b");
}

TEST_CASE("Placement: a node that has just come is found when there is no other [NODE-11]") {
    Three world;
    for (const char* id : {"a", "b", "c"})
        world[id].registry.set_state(world[id].clock(), NodeState::kShuttingDown);
    world.pass_seconds(3);
    world.add("d");
    world.pass(Duration::millis(20));
    CHECK(world.a().place("room", "", Duration::millis(600)) == "d");
}

TEST_CASE("Placement: nobody is there [NODE-11]") {
    Three world;
    for (const char* id : {"a", "b", "c"})
        world[id].registry.set_state(world[id].clock(), NodeState::kShuttingDown);
    world.pass_seconds(3);
    CHECK(world.a().place("room") ==
          "could not find any available nodes: a SHUTTING_DOWN, b SHUTTING_DOWN, c SHUTTING_DOWN");
    CHECK(world.a().error->code == Code::kNoNodes);
    CHECK(world.holder("room") == "");
}

TEST_CASE("Placement: limits count for new rooms too, each node by its own [NODE-12]") {
    Three world(limited(10));
    CHECK(world.a().place("old", "c") == "c");
    world.c().figures.num_tracks_in = 4;
    world.c().figures.num_tracks_out = 6;
    world.pass_seconds(5);
    CHECK(world.a().place("old") == kFullForCreate);
    CHECK(world.a().error->code == Code::kNodeFull);
    CHECK(world.a().place("x", "c") == kFullForCreate);
    for (int i = 0; i < 20; ++i)
        CHECK(world.a().place("new" + std::to_string(i)) != "c");
    CHECK(world.c().place("own", "c") == kFullForCreate);
    for (const char* id : {"a", "b"})
        world[id].figures.num_tracks_in = 10;
    world.pass_seconds(5);
    CHECK(world.a().place("last") == kFullForCreate);
    CHECK(world.a().error->code == Code::kNodeFull);
    // A node with other limits, or none, is held to those.
    world.add("d");
    world["d"].figures.num_tracks_in = 1000;
    world.pass_seconds(5);
    CHECK(world.a().place("last") == "d");
    CHECK(world["d"].place("own", "c", Duration::millis(50)) == kFullForCreate);
}

TEST_CASE("Placement: a room is released only while it is ours [NODE-16]") {
    Three world;
    CHECK(world.a().place("room", "a") == "a");
    CHECK(world.a().place("taken", "a") == "a");
    world.run({"HSET", kRoomsKey, "taken", "b"});
    for (const char* room : {"room", "taken", "unknown"})
        world.a().placement.release(world.now, room);
    world.pass(Duration::millis(10));
    CHECK(world.holder("room") == "");
    CHECK(world.holder("taken") == "b");
    CHECK_FALSE(world.a().placement.is_here("room"));
    // Placed again before Redis was told: it stays.
    CHECK(world.a().place("again", "a") == "a");
    world.server.stop(world.now);
    world.a().placement.release(world.now, "again");
    world.pass_seconds(2);
    CHECK(world.a().place("again") == "a");
    world.a().placement.release(world.now, "later");
    world.server.start(world.now);
    world.pass_seconds(3);
    CHECK(world.holder("again") == "a");
    // What was released while Redis was away is released after it.
    world.server.stop(world.now);
    world.a().placement.release(world.now, "again");
    world.pass_seconds(5);
    world.server.start(world.now);
    world.pass_seconds(3);
    CHECK(world.holder("again") == "");
}

TEST_CASE("Placement: what is in the map may be anything") {
    Three world;
    for (const std::string& junk :
         {std::string(), std::string(5000, 'x'), std::string("\0\xff|", 3)}) {
        world.run({"HSET", kRoomsKey, "room", junk});
        const std::string node = world.a().place("room", "", Duration::millis(600));
        CHECK((node == "a" || node == "b" || node == "c"));
        CHECK(world.holder("room") == node);
        world.run({"HDEL", kRoomsKey, "room"});
    }
    world.run({"HSET", kRecentKey, "a", "junk", "b", "-5 x", "c", "1e99 1"});
    CHECK(world.a().place("room") != "waiting");
    world.run({"DEL", kRoomsKey});
    world.run({"SET", kRoomsKey, "a text"});
    CHECK(world.a().place("other") == "a");  // as if Redis were away
    world.run({"DEL", kRoomsKey});
    world.pass_seconds(3);
    CHECK(world.holder("other") == "a");
}

TEST_CASE("Placement: the first node of all takes rooms at once") {
    Cluster world;
    TestNode& a = world.add("a");
    world.pass(Duration::millis(5));
    CHECK(a.place("room", "", Duration::millis(5)) == "a");
}

TEST_CASE("Placement: too many at once are refused, each is answered once") {
    Three world;
    std::vector<std::string> said;
    for (std::size_t i = 0; i < Placement::kMaxWaiting + 3; ++i)
        world.a().place_into(said, "room" + std::to_string(i));
    world.pass(Duration::millis(50));
    CHECK(said.size() == Placement::kMaxWaiting + 3);
    CHECK(world.a().placement.snapshot().refused == 3);
    CHECK(world.a().error->code == Code::kBusy);
    CHECK(world.a().placement.snapshot().waiting == 0);
}

TEST_CASE("Placement: it may go while questions are under way") {
    Three world;
    std::vector<std::string> said;
    world.kill("c");
    world.a().place_into(said, "room", "nobody");
    world.a().place_into(said, "other");
    world.pass(Duration::micros(250));
    world.kill("a");
    world.pass_seconds(10);
    CHECK(said.empty());
}

TEST_CASE("Placement: rooms that fill count for half a minute, where load decides [NODE-05]") {
    for (const char* sort_by : {"cpuload", "rooms"}) {
        CAPTURE(sort_by);
        Cluster cluster;
        NodeOptions options;
        options.selector.sort_by = sort_by;
        for (const auto& [id, rooms] : {std::pair("a", 5), std::pair("b", 10)}) {
            TestNode& node = cluster.add(id, options);
            node.figures.num_rooms = rooms;
            node.figures.cpu_load = 0.01F * static_cast<float>(rooms);
        }
        cluster.pass_seconds(6);
        for (int i = 0; i < 5; ++i)
            CHECK(cluster["a"].place("first" + std::to_string(i)) == "a");
        // Nobody has come in yet: the figures are what they were.
        cluster.pass_seconds(10);
        std::string where;
        for (int i = 0; i < 5; ++i)
            where += cluster["a"].place("then" + std::to_string(i));
        CHECK((where.find('b') != std::string::npos) == (sort_by == std::string("cpuload")));
        cluster.pass_seconds(120);
        CHECK(cluster["a"].place("later") == "a");
    }
}

}  // namespace confab::cluster::nodes
