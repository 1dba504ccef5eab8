// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Placement while Redis is away, slow or empty (03 NODE-14, RDS-32, §10 row 2).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cluster/nodes/nodes_testing.h"

namespace confab::cluster::nodes {
namespace {

using Code = PlaceError::Code;

struct Two : Cluster {
    explicit Two(bool allow_local = true) {
        NodeOptions options;
        options.allow_local = allow_local;
        for (const char* id : {"a", "b"})
            add(id, options);
        pass_seconds(10);
    }
    TestNode& a() { return (*this)["a"]; }
    TestNode& b() { return (*this)["b"]; }
};

}  // namespace

TEST_CASE("Placement: rooms that are here go on without Redis [NODE-14]") {
    for (const std::int64_t seconds : {3, 60}) {
        Two world;
        CHECK(world.a().place("mine", "a") == "a");
        CHECK(world.a().place("theirs", "b") == "b");
        world.server.stop(world.now);
        world.pass_seconds(seconds);
        CHECK(world.a().place("mine") == "a");
        CHECK(world.a().place("new") == "a");
        // A failover takes seconds; what takes longer is none.
        const bool waits = seconds < 10;
        CHECK((world.a().place("theirs") == "waiting") == waits);
        CHECK((world.a().place("for b", "b") == "waiting") == waits);
        CHECK(world.a().placement.snapshot().returning == (waits ? 2 : 0));
        if (waits) world.pass_seconds(8);
        CHECK(world.a().error->text.starts_with("Redis does not answer"));
        CHECK(world.a().error->code == Code::kRedis);
        CHECK(world.a().placement.snapshot().waiting == 0);
        CHECK(world.a().placement.snapshot().local == 1);
        CHECK(world.a().placement.snapshot().unsure == 1);
        world.server.start(world.now);
        world.pass_seconds(3);
        CHECK(world.holder("mine") == "a");
        CHECK(world.holder("theirs") == "b");
        CHECK(world.holder("new") == "a");
        CHECK(world.holder("for b") == "");
        CHECK(world.a().conflicts.empty());
        CHECK(world.a().placement.snapshot().unsure == 0);
        CHECK(world.b().place("new") == "a");
    }
}

TEST_CASE("Placement: without Redis nothing new where that is not allowed, or draining [NODE-14]") {
    Two world(false);
    CHECK(world.a().place("mine", "a") == "a");
    world.server.stop(world.now);
    world.pass_seconds(1);
    CHECK(world.a()
              .place("new", "", Placement::kReturnPatience)
              .starts_with("Redis does not answer"));
    CHECK(world.a().place("mine") == "a");
    Two other;
    other.a().registry.set_state(other.a().clock(), NodeState::kShuttingDown);
    other.pass_seconds(1);
    other.server.stop(other.now);
    CHECK(other.a()
              .place("new", "", Placement::kReturnPatience)
              .starts_with("Redis does not answer"));
}

TEST_CASE("Placement: a failover is waited for, and what waits goes on at once [NODE-14]") {
    Two world;
    CHECK(world.a().place("theirs", "b") == "b");
    world.server.stop(world.now);
    world.pass(Duration::millis(500));
    std::vector<std::string> said;
    world.a().place_into(said, "theirs");
    world.a().place_into(said, "for b", "b");
    world.pass_seconds(5);
    CHECK(said.empty());
    world.server.start(world.now);
    const Duration took = world.until([&said] { return said.size() == 2; });
    CHECK(said == std::vector<std::string>{"b", "b"});
    CHECK(took < Duration::millis(600));  // the connection, which is tried again each 500 ms
    CHECK(world.holder("for b") == "b");
    CHECK(world.a().placement.snapshot().returning == 0);
}

TEST_CASE(
    "Placement: who waits for Redis is refused after 8 s, at most 10 s after it went [NODE-14]") {
    Two world;
    CHECK(world.a().place("theirs", "b") == "b");
    world.server.stop(world.now);
    const Timestamp away = world.now;
    world.pass(Duration::millis(100));
    std::vector<std::string> said;
    world.a().place_into(said, "theirs");
    world.pass(Duration::millis(7990));
    CHECK(said.empty());
    world.pass(Duration::millis(20));
    REQUIRE(said.size() == 1);
    CHECK(said[0].starts_with("Redis does not answer"));
    world.a().place_into(said, "theirs");
    (void)world.until([&said] { return said.size() == 2; });
    CHECK(world.now - away >= Placement::kFailover);
    CHECK(world.now - away < Placement::kFailover + Duration::millis(50));
    // The next outage is another one.
    world.server.start(world.now);
    world.pass_seconds(2);
    world.server.stop(world.now);
    world.pass(Duration::millis(100));
    CHECK(world.a().place("theirs") == "waiting");
}

TEST_CASE("Placement: so many wait for Redis and no more, and do not come all at once [NODE-14]") {
    Two world;
    CHECK(world.a().place("theirs", "b") == "b");
    world.server.stop(world.now);
    world.pass(Duration::millis(100));
    std::vector<std::string> said;
    for (std::size_t i = 0; i < Placement::kMaxReturning; ++i)
        world.a().place_into(said, "theirs");
    world.pass(Duration::millis(10));
    CHECK(said.empty());
    world.a().place_into(said, "theirs");
    world.pass(Duration::millis(10));
    REQUIRE(said.size() == 1);
    CHECK(said[0].starts_with("Redis does not answer"));
    world.server.start(world.now);
    (void)world.until([&said] { return said.size() > 10; });
    world.pass(Duration::millis(100));
    CHECK(said.size() < 400);  // within a second
    world.pass_seconds(1);
    CHECK(said.size() == 1 + Placement::kMaxReturning);
    CHECK(said.back() == "b");
}

TEST_CASE(
    "Placement: Redis is back, empty: what waited goes where the room was [NODE-16] [RDS-32]") {
    Two world;
    CHECK(world.a().place("theirs", "b") == "b");
    world.pass_seconds(1);
    CHECK(world.b().place("theirs") == "b");  // it is made there
    CHECK(world.a().place("theirs") == "b");
    world.server.stop(world.now);
    world.server.store().clear();
    world.pass(Duration::millis(500));
    std::vector<std::string> said;
    for (int i = 0; i < 20; ++i)
        world.a().place_into(said, "theirs");
    world.pass_seconds(3);
    CHECK(said.empty());
    world.server.start(world.now);
    world.pass_seconds(3);
    CHECK(said == std::vector<std::string>(20, "b"));
    CHECK(world.holder("theirs") == "b");
    CHECK(world.b().conflicts.empty());
}

TEST_CASE("Placement: a room that goes elsewhere does not wait: it stays meanwhile [NODE-14]") {
    Two world;
    CHECK(world.a().place("mine", "a") == "a");
    world.a().registry.set_state(world.a().clock(), NodeState::kShuttingDown);
    world.pass_seconds(1);
    world.server.stop(world.now);
    world.pass(Duration::millis(100));
    std::optional<Placement::Outcome> outcome;
    world.a().placement.hand_over(
        world.now, "mine",
        [&outcome](Timestamp, const Placement::Outcome& told) { outcome = told; });
    world.pass(Duration::millis(10));
    REQUIRE(outcome);
    CHECK(outcome->error().code == Code::kRedis);
}

TEST_CASE(
    "Placement: two nodes place one room while Redis is away; one of them hears of it "
    "[NODE-16] [RDS-32]") {
    Two world;
    world.server.stop(world.now);
    world.pass_seconds(10);
    CHECK(world.a().place("room") == "a");
    CHECK(world.b().place("room") == "b");
    world.server.start(world.now);
    world.pass_seconds(5);
    const std::string holder = world.holder("room");
    TestNode& loser = world[holder == "a" ? "b" : "a"];
    CHECK(world[holder].conflicts.empty());
    CHECK(world[holder].placement.is_here("room"));
    REQUIRE(loser.conflicts.size() == 1);
    CHECK(loser.conflicts[0].room == "room");
    CHECK(loser.conflicts[0].holder == holder);
    CHECK_FALSE(loser.placement.is_here("room"));
    CHECK(loser.place("room") == holder);
}

TEST_CASE(
    "Placement: a room of a dead node that was placed here without Redis is ours after it "
    "[NODE-16]") {
    Two world;
    world.add("c");
    world.pass_seconds(5);
    CHECK(world["c"].place("room", "c") == "c");
    world.kill("c");
    world.server.stop(world.now);
    world.pass_seconds(20);
    CHECK(world.a().place("room") == "a");
    world.server.start(world.now);
    world.pass_seconds(20);
    // Nobody knew that c is dead, and a does not give the room up to it.
    CHECK(world.holder("room") == "a");
    CHECK(world.a().conflicts.empty());
    CHECK(world.b().place("room") == "a");
    // Known to be dead before: taken over.
    world.run({"HSET", kRoomsKey, "other", "long gone"});
    world.server.stop(world.now);
    world.pass_seconds(1);
    CHECK(world.a().place("other") == "a");
    world.server.start(world.now);
    world.pass_seconds(3);
    CHECK(world.holder("other") == "a");
    CHECK(world.a().placement.is_here("other"));
}

TEST_CASE("Placement: Redis is back, empty: own rooms are written again [RDS-32]") {
    for (const bool stops : {false, true}) {
        Two world;
        for (int i = 0; i < 350; ++i) {
            world.a().place("a" + std::to_string(i), "a", Duration::millis(1));
            world.b().place("b" + std::to_string(i), "b", Duration::millis(1));
        }
        world.pass_seconds(1);
        CHECK(world.a().placement.snapshot().own_rooms == 350);
        if (stops) world.server.stop(world.now);
        world.server.store().clear();
        if (stops) world.server.start(world.now);
        world.pass(Duration::millis(2100));
        for (int i = 0; i < 350; ++i) {
            CHECK(world.holder("a" + std::to_string(i)) == "a");
            CHECK(world.holder("b" + std::to_string(i)) == "b");
        }
        CHECK(world.a().conflicts.empty());
        CHECK(world.server.count("EVAL") < 1400 + 40);
    }
}

TEST_CASE(
    "Placement: Redis hangs: what can be placed here waits two seconds, the rest 8 [NODE-14]") {
    Two world;
    CHECK(world.a().place("theirs", "b") == "b");
    world.server.hang(world.now);
    std::vector<std::string> said;
    world.a().place_into(said, "theirs");
    world.a().place_into(said, "new");
    world.pass(Duration::millis(1990));
    CHECK(said.empty());
    world.pass(Duration::millis(20));
    CHECK(said == std::vector<std::string>{"a"});
    SUBCASE("it goes on: so does what waits") {
        world.server.go_on(world.now);
        world.pass_seconds(1);
        CHECK(said == std::vector<std::string>{"a", "b"});
    }
    SUBCASE("it does not") {
        world.pass_seconds(6);
        REQUIRE(said.size() == 2);
        CHECK(said[1].starts_with("Redis does not answer"));
        world.server.go_on(world.now);
    }
    world.pass_seconds(3);
    CHECK(said.size() == 2);  // late replies are nothing more
    CHECK(world.holder("new") == "a");
    CHECK(world.holder("theirs") == "b");
}

TEST_CASE("Placement: the answer to a claim is lost: the room is placed once [NODE-16]") {
    Two world;
    for (int after = 100; after < 1000; after += 50) {
        const std::string room = "room" + std::to_string(after);
        std::vector<std::string> said;
        world.a().place_into(said, room, "a");
        world.pass(Duration::micros(after));
        world.server.stop(world.now);
        world.pass(Duration::millis(10));
        world.server.start(world.now);
        world.pass_seconds(3);
        REQUIRE(said.size() == 1);
        CHECK(said[0] == "a");
        CHECK(world.holder(room) == "a");
        CHECK(world.b().place(room) == "a");
        CHECK(world.a().conflicts.empty());
    }
}

TEST_CASE("Placement: it is asked before it knows anybody") {
    Cluster world;
    world.server.stop(world.now);
    TestNode& a = world.add("a");
    CHECK(a.place("room") == "a");
    world.server.start(world.now);
    world.pass_seconds(3);
    CHECK(world.holder("room") == "a");
    CHECK(a.place("next", "a", Duration::millis(600)) == "a");
}

}  // namespace confab::cluster::nodes
