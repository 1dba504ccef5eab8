// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_scripts.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "cluster/store/keys.h"
#include "cluster/store/masters_testing.h"
#include "cluster/store/world_testing.h"

namespace confab::cluster::store {
namespace {

using testing::Apart;
using testing::Kept;
using testing::Masters;
using testing::Together;
using testing::World;
using Synced = RoomScripts::Synced;
using Removed = RoomScripts::Removed;
using Owner = RoomScripts::Owner;

RoomScripts::Room room(const std::string& name, const std::string& bytes,
                       std::optional<std::string> internal = "i") {
    return {name, bytes, std::move(internal), {{"alice", "a"}, {"bob", "b"}}};
}

struct Scripts {
    explicit Scripts(RoomScripts::Form form)
        : port(testing::attach(world, form)), scripts(*port, world.notices, form) {}

    Kept<std::vector<Synced>> sync(std::vector<RoomScripts::Room> rooms) {
        Kept<std::vector<Synced>> kept;
        scripts.sync(world.now, "ND_a", std::move(rooms), kept.done());
        world.pass(Duration::millis(50));
        return kept;
    }
    Kept<Removed> remove(const std::string& node, Owner owner = Owner::kHere) {
        Kept<Removed> kept;
        scripts.remove(world.now, owner, "r", node, kept.done());
        world.pass(Duration::millis(50));
        return kept;
    }
    std::string participant(const std::string& room, const std::string& identity) {
        return world.field(keys::participants(room), identity);
    }
    std::string routed(const std::string& room) { return world.field("room_node_map", room); }
    // All there is of room "r".
    void leave(const std::string& node) {
        if (!node.empty()) world.run({"HSET", "room_node_map", "r", node});
        world.run({"HSET", "rooms", "r", "room"});
        world.run({"HSET", "room_internal", "r", "i"});
        for (const std::string key : {"room_participants:r", "agent_dispatch:r", "agent_job:r"})
            world.run({"HSET", key, "x", "y"});
    }
    Masters& masters() { return dynamic_cast<Masters&>(*port); }

    World world;
    std::unique_ptr<redis::Port> port;
    RoomScripts scripts;
};

constexpr Masters::Fault kFaults[] = {Masters::Fault::kNotSent, Masters::Fault::kLost,
                                      Masters::Fault::kUnheard, Masters::Fault::kWithoutIt};

}  // namespace

TEST_CASE_TEMPLATE("RoomScripts: rooms are compared and mended, each with its answer [RDS-32]", F,
                   Together, Apart) {
    Scripts s(F::kForm);
    s.world.run({"HSET", "room_node_map", "there", "ND_a", "lost", "ND_a", "theirs", "ND_b"});
    s.world.run({"HSET", "rooms", "there", "old", "theirs", "of b", "unrouted", "x"});
    s.world.run({"HSET", "room_internal", "there", "old"});
    s.world.run({"HSET", "room_participants:there", "alice", "old", "carol", "left"});
    const auto kept = s.sync({room("there", "1", std::nullopt), room("lost", "2"),
                              room("theirs", "3"), room("unrouted", "4"), room("new", "5")});
    REQUIRE(kept.ok());
    REQUIRE(kept.value().size() == 5);
    CHECK(kept.value()[0].was_there);
    CHECK_FALSE(kept.value()[1].was_there);
    CHECK(kept.value()[2].elsewhere == "ND_b");
    CHECK_FALSE(kept.value()[3].was_there);  // not routed: it may have been anybody's
    CHECK_FALSE(kept.value()[4].was_there);
    for (const std::size_t i : {0U, 1U, 3U, 4U})
        CHECK_FALSE(kept.value()[i].elsewhere.has_value());
    CHECK(s.world.field("rooms", "there") == "1");
    CHECK(s.world.field("room_internal", "there") == "-");
    CHECK(s.participant("there", "alice") == "a");
    CHECK(s.participant("there", "bob") == "b");
    CHECK(s.participant("there", "carol") == "-");
    CHECK(s.world.field("rooms", "theirs") == "of b");
    CHECK(s.world.field("room_internal", "theirs") == "-");
    CHECK(s.participant("theirs", "alice") == "-");
    for (const char* name : {"lost", "unrouted", "new"}) {
        CHECK(s.routed(name) == "ND_a");
        CHECK(s.world.field("room_internal", name) == "i");
        CHECK(s.participant(name, "bob") == "b");
    }
    CHECK(s.world.field("rooms", "new") == "5");
    const auto again = s.sync({room("new", "5"), room("there", "1", std::nullopt)});
    CHECK(again.value()[0].was_there);
    CHECK(again.value()[1].was_there);
    const auto theirs = s.sync({room("theirs", "3")});
    CHECK(theirs.value()[0].elsewhere == "ND_b");
}

TEST_CASE_TEMPLATE("RoomScripts: a room without participants has none afterwards", F, Together,
                   Apart) {
    Scripts s(F::kForm);
    s.leave("ND_a");
    REQUIRE(s.sync({{"r", "room", std::nullopt, {}}}).ok());
    CHECK(s.world.server.store().hash("room_participants:r") == nullptr);
    CHECK(s.world.server.store().hash("room_internal") == nullptr);
    CHECK(s.world.field("rooms", "r") == "room");
}

TEST_CASE_TEMPLATE("RoomScripts: a room goes with all there is of it [NODE-16]", F, Together,
                   Apart) {
    for (const Owner owner : {Owner::kHere, Owner::kGone})
        for (const std::string routed : {"ND_a", "", "ND_b"}) {
            CAPTURE(routed);
            Scripts s(F::kForm);
            s.leave(routed);
            const auto kept = s.remove("ND_a", owner);
            REQUIRE(kept.ok());
            const bool theirs = routed == "ND_b";
            CHECK(kept.value().deleted == !theirs);
            CHECK(kept.value().room == (theirs ? "" : "room"));
            CHECK(kept.value().node == (theirs ? "ND_b" : ""));
            CHECK(s.world.server.store().keys().size() == (theirs ? 6 : 0));
        }
    Scripts s(F::kForm);
    s.leave("ND_a");
    CHECK(s.remove("", Owner::kGone).value().node == "ND_a");
    CHECK(s.remove("ND_a", Owner::kGone).value().room == "room");
    const auto nothing = s.remove("", Owner::kGone);
    CHECK(nothing.value().deleted);
    CHECK(nothing.value().room.empty());
    CHECK(s.world.server.store().keys().empty());
}

TEST_CASE_TEMPLATE("RoomScripts: refusals and outages are failures, each once", F, Together,
                   Apart) {
    Scripts s(F::kForm);
    s.world.run({"SET", "room_participants:r", "text"});
    const auto kept = s.sync({room("r", "1"), room("s", "2")});
    CHECK(kept.error() == Failure::Code::kRefused);
    CHECK(s.world.told(Notice::Kind::kWrongType) == 1);
    s.world.run({"DEL", "room_participants:r"});
    s.world.run({"SET", "room_internal", "text"});
    CHECK(s.remove("ND_a").error() == Failure::Code::kRefused);
    s.world.run({"DEL", "room_internal"});
    s.world.server.stop(s.world.now);
    CHECK(s.sync({room("r", "1")}).error() == Failure::Code::kUnavailable);
    CHECK(s.remove("ND_a").error() == Failure::Code::kUnavailable);
}

TEST_CASE_TEMPLATE("RoomScripts: with its end nobody is called", F, Together, Apart) {
    World world;
    const auto port = testing::attach(world, F::kForm);
    Kept<std::vector<Synced>> synced;
    Kept<Removed> removed;
    for (int at = 0; at < 80; ++at) {
        auto scripts = std::make_unique<RoomScripts>(*port, world.notices, F::kForm);
        scripts->sync(world.now, "ND_a", {room("r", "1")}, synced.done());
        scripts->remove(world.now, Owner::kHere, "s", "ND_a", removed.done());
        world.pass(Duration::micros(at * 4));
        scripts.reset();
        world.pass(Duration::millis(50));
    }
    CHECK(synced.waits());
    CHECK(removed.waits());
}

TEST_CASE("RoomScripts: apart, no command has keys of several masters") {
    Scripts s(RoomScripts::Form::kApart);
    s.leave("ND_a");
    REQUIRE(s.sync({room("r", "1"), room("{s}", "2"), room("t", "3", std::nullopt)}).ok());
    REQUIRE(s.remove("ND_a").ok());
    CHECK(s.masters().crossed == 0);
    RoomScripts together(*s.port, s.world.notices, RoomScripts::Form::kTogether);
    Kept<Removed> kept;
    together.remove(s.world.now, Owner::kHere, "{s}", "ND_a", kept.done());
    s.world.pass(Duration::millis(10));
    CHECK(kept.error() == Failure::Code::kRefused);
    CHECK(s.masters().crossed == 1);
}

TEST_CASE("RoomScripts: apart, a write that fails anywhere is done by the next [RDS-32]") {
    for (const Masters::Fault fault : kFaults)
        for (std::uint64_t step = 0; step < 6; ++step) {
            CAPTURE(step);
            Scripts s(RoomScripts::Form::kApart);
            s.world.run({"HSET", "room_node_map", "theirs", "ND_b"});
            s.world.run({"HSET", "room_participants:r", "carol", "left"});
            s.masters().fail_after(step, fault);
            const std::vector<RoomScripts::Room> rooms = {room("r", "1"), room("theirs", "2"),
                                                          room("s", "3", std::nullopt)};
            const auto first = s.sync(rooms);
            CHECK(first.error() == Failure::Code::kUnavailable);
            CHECK(s.world.log.empty());  // nobody has to do anything about it
            // Nothing is there of what is routed to nobody.
            if (s.routed("r") == "-") CHECK(s.world.field("rooms", "r") == "-");
            const auto second = s.sync(rooms);
            REQUIRE(second.ok());
            CHECK(s.masters().asked == (step == 0 ? 7 : 12));
            CHECK(second.value()[1].elsewhere == "ND_b");
            for (const char* name : {"r", "s"}) {
                CHECK(s.routed(name) == "ND_a");
                CHECK(s.participant(name, "alice") == "a");
                CHECK(s.participant(name, "carol") == "-");
            }
            CHECK(s.world.field("rooms", "r") == "1");
            CHECK(s.world.field("room_internal", "r") == "i");
            CHECK(s.world.field("room_internal", "s") == "-");
            CHECK(s.world.field("rooms", "theirs") == "-");
        }
}

TEST_CASE("RoomScripts: apart, a deletion that fails anywhere is done by the next [NODE-16]") {
    for (const Masters::Fault fault : kFaults)
        for (const Owner owner : {Owner::kHere, Owner::kGone})
            for (std::uint64_t step = 0; step < 7; ++step) {
                CAPTURE(step);
                Scripts s(RoomScripts::Form::kApart);
                s.leave("ND_a");
                s.masters().fail_after(step, fault);
                CHECK(s.remove("ND_a", owner).error() == Failure::Code::kUnavailable);
                // As long as there is anything of it, others come here for the room.
                const bool over = s.world.server.store().keys().empty();
                CHECK(over == (step == 6 && fault == Masters::Fault::kUnheard));
                if (!over) CHECK(s.routed("r") == "ND_a");
                const auto second = s.remove("ND_a", owner);
                REQUIRE(second.ok());
                CHECK(second.value().deleted);
                CHECK(s.world.server.store().keys().empty());
                // The Room is lost only with the reply that had it, or the one after.
                const bool told = step < 5 || (step == 5 && fault != Masters::Fault::kUnheard);
                CHECK(second.value().room == (told ? "room" : ""));
            }
}

TEST_CASE("RoomScripts: apart, what another node takes in the middle stays with it [NODE-16]") {
    for (int at = 0; at < 100; ++at) {
        CAPTURE(at);
        Scripts s(RoomScripts::Form::kApart);
        s.leave("ND_a");
        Kept<Removed> kept;
        s.scripts.remove(s.world.now, Owner::kGone, "r", "ND_a", kept.done());
        s.world.pass(Duration::micros(at * 100));
        const bool over = s.routed("r") == "-";
        s.world.run({"HSET", "room_node_map", "r", "ND_b"});
        s.world.pass(Duration::millis(50));
        REQUIRE(kept.ok());
        CHECK(s.routed("r") == "ND_b");
        CHECK(kept.value().deleted == over);
        CHECK(kept.value().node == (over ? "" : "ND_b"));
    }
}

TEST_CASE("RoomScripts: apart, nobody else gets a room that is being deleted where it was") {
    for (int at = 0; at < 100; ++at) {
        CAPTURE(at);
        Scripts s(RoomScripts::Form::kApart);
        s.leave("");  // its routing has been taken away before
        Kept<Removed> kept;
        s.scripts.remove(s.world.now, Owner::kHere, "r", "ND_a", kept.done());
        s.world.pass(Duration::micros(at * 100));
        const bool parts = s.world.server.store().hash("agent_job:r") != nullptr;
        const bool record = s.world.field("rooms", "r") != "-";
        // Between the first step and the last.
        if (parts != record) CHECK(s.routed("r") == "ND_a");
        s.world.pass(Duration::millis(50));
        CHECK(kept.value().deleted);
        CHECK(s.world.server.store().keys().empty());
    }
}

TEST_CASE("RoomScripts: of many that delete a room, one is told what it was") {
    for (const auto form : {RoomScripts::Form::kTogether, RoomScripts::Form::kApart}) {
        Scripts s(form);
        s.leave("ND_a");
        std::vector<Kept<Removed>> kept(5);
        for (auto& one : kept)
            s.scripts.remove(s.world.now, Owner::kGone, "r", "ND_a", one.done());
        s.world.pass(Duration::millis(50));
        int told = 0;
        for (const auto& one : kept) {
            CHECK(one.value().deleted);
            told += one.value().room == "room" ? 1 : 0;
        }
        CHECK(told == 1);
    }
}

TEST_CASE("RoomScripts: both forms do the same and answer the same") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        Rng rng(seed);
        Scripts together(RoomScripts::Form::kTogether);
        Scripts apart(RoomScripts::Form::kApart);
        const auto value = [&] { return std::to_string(rng.below(3)); };
        const auto both = [&](std::initializer_list<std::string_view> words) {
            together.world.run(words);
            apart.world.run(words);
        };
        for (int step = 0; step < 30; ++step) {
            const std::string name = rng.below(2) ? "r" : "s";
            switch (rng.below(6)) {
                case 0:
                    both({"HSET", "room_node_map", name, rng.below(3) ? "ND_a" : "ND_b"});
                    break;
                case 1:
                    both({"HDEL", rng.below(2) ? "room_node_map" : "rooms", name});
                    break;
                case 2: {
                    const std::string node = rng.below(2) ? "ND_a" : "ND_b";
                    const auto one = together.remove(node, Owner::kGone);
                    const auto other = apart.remove(node, Owner::kGone);
                    REQUIRE((one.ok() && other.ok()));
                    CHECK(one.value().deleted == other.value().deleted);
                    CHECK(one.value().room == other.value().room);
                    CHECK(one.value().node == other.value().node);
                    break;
                }
                default: {
                    std::vector<RoomScripts::Room> rooms;
                    for (const char* each : {"r", "s"})
                        if (rng.below(3))
                            rooms.push_back({each,
                                             value(),
                                             rng.below(2) ? std::optional(value()) : std::nullopt,
                                             {{"p" + value(), value()}}});
                    const auto one = together.sync(rooms);
                    const auto other = apart.sync(rooms);
                    REQUIRE((one.ok() && other.ok()));
                    for (std::size_t i = 0; i < rooms.size(); ++i) {
                        CHECK(one.value()[i].was_there == other.value()[i].was_there);
                        CHECK(one.value()[i].elsewhere == other.value()[i].elsewhere);
                    }
                }
            }
            const auto keys = together.world.server.store().keys();
            REQUIRE(keys == apart.world.server.store().keys());
            for (const std::string& key : keys)
                CHECK(*together.world.server.store().hash(key) ==
                      *apart.world.server.store().hash(key));
        }
    }
}

}  // namespace confab::cluster::store
