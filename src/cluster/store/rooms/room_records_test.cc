// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_records.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/rng.h"
#include "cluster/store/keys.h"
#include "cluster/store/masters_testing.h"
#include "cluster/store/world_testing.h"

namespace confab::cluster::store {
namespace {

using testing::Apart;
using testing::Together;
using testing::World;

const std::string kNode = "ND_a";

// A node whose rooms are routed to it, as its placement does.
template <typename Form>
struct Node {
    explicit Node(World& w, const std::string& id = kNode)
        : world(w), name(id), port(testing::attach(world, Form::kForm, [this](Timestamp at) {
              if (records) records->handle_up(at);
          })) {
        records = std::make_unique<RoomRecords>(
            *port, world.notices, name,
            [this](Timestamp, const std::string& room, const std::string& node) {
                displaced.push_back(room + ">" + node);
            },
            Form::kForm);
        world.drive(*records);
    }
    ~Node() {
        if (const auto* masters = dynamic_cast<testing::Masters*>(port.get()))
            CHECK(masters->crossed == 0);
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    // EVALs that compare so many rooms.
    static std::uint64_t scripts(std::uint64_t batches, std::uint64_t rooms) {
        return Form::kForm == RoomScripts::Form::kTogether ? batches : 3 * batches + rooms;
    }
    void set(const std::string& room, const std::string& bytes,
             std::optional<std::string> internal = "i") {
        if (!routed.contains(room)) world.run({"HSET", keys::kRoomNodeMap, room, name});
        routed.insert(room);
        records->set_room(world.now, room, bytes, std::move(internal));
    }
    void join(const std::string& room, const std::string& identity, const std::string& info) {
        records->set_participant(world.now, room, identity, info);
    }
    void leave(const std::string& room, const std::string& identity) {
        records->remove_participant(world.now, room, identity);
    }
    void close(const std::string& room) {
        routed.erase(room);
        records->close(world.now, room);
    }

    World& world;
    std::string name;
    std::vector<std::string> displaced;
    std::set<std::string> routed;
    std::unique_ptr<RoomRecords> records;
    std::unique_ptr<redis::Port> port;
};

std::string participant(World& world, std::string_view room, std::string_view identity) {
    return world.field(keys::participants(room), identity);
}

constexpr Duration kShort = Duration::millis(5);

}  // namespace

TEST_CASE_TEMPLATE("RoomRecords: a room and who is in it [RDS-02] [RDS-03] [RDS-04]", F, Together,
                   Apart) {
    World world;
    Node<F> node(world);
    node.set("r", "room");
    node.join("r", "alice", "a1");
    node.join("r", "bob", "b1");
    world.pass(kShort);
    CHECK(world.field("rooms", "r") == "room");
    CHECK(world.field("room_internal", "r") == "i");
    CHECK(participant(world, "r", "alice") == "a1");
    CHECK(participant(world, "r", "bob") == "b1");
    node.leave("r", "alice");
    world.pass(kShort);
    CHECK(participant(world, "r", "alice") == "-");
    world.pass(RoomRecords::kPace);
    node.set("r", "room", std::nullopt);
    world.pass(kShort);
    CHECK(world.field("room_internal", "r") == "-");
    world.run({"HSET", "agent_dispatch:r", "d", "x"});
    world.run({"HSET", "agent_job:r", "j", "x"});
    node.close("r");
    world.pass(kShort);
    CHECK(world.server.store().keys().empty());
    CHECK(node.records->snapshot().rooms == 0);
    CHECK(node.records->snapshot().held == 0);
    CHECK(world.log.empty());
}

TEST_CASE_TEMPLATE(
    "RoomRecords: a join to a room that there is costs two writes, a burst costs few", F, Together,
    Apart) {
    World world;
    Node<F> node(world);
    node.set("r", "room 0");
    world.pass(Duration::seconds(1));
    const std::uint64_t before = world.writes();
    // As a room tells it: JOINING, JOINED and the count in one turn, ACTIVE 80 ms later.
    node.join("r", "alice", "joining");
    node.join("r", "alice", "joined");
    node.set("r", "room 1");
    world.pass(kShort);
    CHECK(participant(world, "r", "alice") == "joined");
    CHECK(world.field("rooms", "r") == "room 1");
    CHECK(world.writes() - before == 2);
    world.pass(Duration::millis(75));
    node.join("r", "alice", "active");
    world.pass(kShort);
    CHECK(participant(world, "r", "alice") == "joined");  // not yet
    world.pass(Duration::millis(20));
    CHECK(participant(world, "r", "alice") == "active");
    CHECK(world.writes() - before == 3);

    // Somebody else who comes does not take with it what waits.
    node.join("r", "alice", "muted");
    node.join("r", "bob", "b");
    world.pass(kShort);
    CHECK(participant(world, "r", "bob") == "b");
    CHECK(participant(world, "r", "alice") == "active");
    world.pass(RoomRecords::kPace);
    CHECK(participant(world, "r", "alice") == "muted");

    const std::uint64_t burst = world.writes();
    world.pass(Duration::seconds(1));
    for (int i = 0; i < 100; ++i) {
        node.join("r", "p" + std::to_string(i), "x");
        node.set("r", "room " + std::to_string(i));
        if (i % 10 == 9) world.pass(Duration::millis(1));
    }
    CHECK(world.server.store().hash("room_participants:r")->size() == 102);  // at once
    world.pass(Duration::seconds(1));
    CHECK(world.field("rooms", "r") == "room 99");
    CHECK(world.writes() - burst == 12);  // ten turns with newcomers, two of the room
}

TEST_CASE_TEMPLATE("RoomRecords: what is told again as it was costs nothing", F, Together, Apart) {
    World world;
    Node<F> node(world);
    node.set("r", "room");
    node.join("r", "alice", "a");
    world.pass(Duration::seconds(1));
    const std::uint64_t before = world.writes();
    node.set("r", "room");
    node.join("r", "alice", "a");
    node.leave("r", "nobody");
    world.pass(Duration::seconds(1));
    CHECK(world.writes() == before);
    world.run({"HDEL", "rooms", "r"});
    world.pass(Duration::seconds(1));
    CHECK(world.field("rooms", "r") == "-");  // until it is looked for
    world.pass(RoomRecords::kAudit);
    CHECK(world.field("rooms", "r") == "room");
    CHECK(world.told(Notice::Kind::kLost) == 1);
}

TEST_CASE_TEMPLATE("RoomRecords: who waits is told when Redis has it [RPC-33] [RDS-02]", F,
                   Together, Apart) {
    World world;
    Node<F> node(world);
    std::string told;
    const auto wait = [&](const std::string& room) {
        told.clear();
        node.records->when_stored(world.now, room, Duration::seconds(9), [&world, &told, room] {
            told = world.field("rooms", room) + world.field("room_node_map", room);
        });
        CHECK(told.empty());  // never within the call
    };
    node.set("r", "one");
    wait("r");
    world.pass(kShort);
    CHECK(told == "one" + kNode);
    // Soon after another write: at once all the same, since somebody waits.
    node.set("r", "two");
    node.join("r", "alice", "a");
    node.join("r", "alice", "b");
    wait("r");
    world.pass(kShort);
    CHECK(told == "two" + kNode);
    CHECK(participant(world, "r", "alice") == "b");
    // Nothing is to be written.
    wait("r");
    world.pass(kShort);
    CHECK(told == "two" + kNode);
    node.close("r");
    wait("r");
    world.pass(kShort);
    CHECK(told == "--");
    SUBCASE("Redis hangs") {
        node.set("r", "three");
        world.pass(Duration::seconds(1));
        node.set("r", "four");
        world.server.hang(world.now);
        wait("r");
        world.pass(RoomRecords::kPatience - Duration::millis(10));
        CHECK(told.empty());
        world.pass(Duration::millis(20));
        CHECK(told == "three" + kNode);
    }
    SUBCASE("what comes after it holds nobody up") {
        node.set("busy", "one");
        world.pass(Duration::seconds(1));
        for (int i = 0; i < 40; ++i)
            node.join("busy", std::to_string(i), "a");
        world.pass(kShort);
        node.set("busy", "two");
        wait("busy");
        for (int i = 0; i < 10; ++i) {
            for (int j = 0; j < 40; ++j)
                node.join("busy", std::to_string(j), "b" + std::to_string(i));
            world.pass(Duration::millis(1));
        }
        CHECK(told == "two" + kNode);
    }
    SUBCASE("for as long as the caller has") {
        world.server.hang(world.now);
        node.set("u", "u");
        bool over = false;
        node.records->when_stored(world.now, "u", Duration::millis(500), [&over] { over = true; });
        world.pass(Duration::millis(490));
        CHECK_FALSE(over);
        world.pass(Duration::millis(20));
        CHECK(over);
    }
    SUBCASE("Redis refuses it") {
        node.set("v", "v");
        world.pass(Duration::seconds(1));
        world.run({"DEL", "rooms"});
        world.run({"SET", "rooms", "another type"});
        node.set("v", "w");
        wait("v");
        world.pass(Duration::millis(20));
        CHECK_FALSE(told.empty());
    }
    SUBCASE("Redis refuses what is on the way when it begins to wait") {
        node.set("v", "v");
        world.pass(Duration::seconds(1));
        world.run({"DEL", "rooms"});
        world.run({"SET", "rooms", "another type"});
        node.records->handle_up(world.now);
        node.records->handle_timeout(world.now);
        node.set("v", "w");
        wait("v");
        world.pass(Duration::millis(20));
        CHECK_FALSE(told.empty());
    }
    SUBCASE("Redis is away") {
        world.server.stop(world.now);
        world.pass(kShort);
        node.set("s", "s");
        wait("s");
        world.pass(kShort);
        CHECK_FALSE(told.empty());
    }
    SUBCASE("another node has it") {
        node.set("t", "t");
        world.run({"HSET", "room_node_map", "t", "ND_b"});
        world.pass(Duration::seconds(1));
        node.records->handle_up(world.now);
        world.pass(Duration::seconds(1));
        node.set("t", "more");
        wait("t");
        world.pass(kShort);
        CHECK_FALSE(told.empty());
    }
}

TEST_CASE_TEMPLATE("RoomRecords: who leaves and comes back within a turn is there", F, Together,
                   Apart) {
    World world;
    Node<F> node(world);
    node.set("r", "room");
    node.join("r", "alice", "a1");
    world.pass(kShort);
    node.leave("r", "alice");
    node.join("r", "alice", "a2");
    world.pass(kShort);
    CHECK(participant(world, "r", "alice") == "a2");
    node.leave("r", "alice");
    world.pass(kShort);
    CHECK(participant(world, "r", "alice") == "-");
}

TEST_CASE_TEMPLATE("RoomRecords: after outages of any kind Redis has the latest state [NODE-14]", F,
                   Together, Apart) {
    for (const bool hang : {false, true})
        for (const std::int64_t seconds : {3, 60}) {
            World world;
            Node<F> node(world);
            node.set("stays", "s1");
            node.set("ends", "e1");
            node.join("stays", "alice", "a1");
            node.join("stays", "bob", "b1");
            world.pass(Duration::seconds(1));
            // In the middle of an operation, too.
            node.join("stays", "alice", "a2");
            world.pass(Duration::micros(100));
            hang ? world.server.hang(world.now) : world.server.stop(world.now);
            const std::size_t held = node.records->snapshot().held;
            for (int i = 0; i < 1000; ++i) {
                node.set("stays", "s" + std::to_string(1000 + i));
                node.join("stays", "alice", "a" + std::to_string(1000 + i));
                world.pass(Duration::millis(seconds));
            }
            node.leave("stays", "bob");
            node.set("new", "n1");
            node.close("ends");
            CHECK(node.records->snapshot().held < held + 20);
            hang ? world.server.go_on(world.now) : world.server.start(world.now);
            world.pass(Duration::seconds(2));
            CHECK(world.field("rooms", "stays") == "s1999");
            CHECK(participant(world, "stays", "alice") == "a1999");
            CHECK(participant(world, "stays", "bob") == "-");
            CHECK(world.field("rooms", "new") == "n1");
            CHECK(world.field("rooms", "ends") == "-");
            CHECK(world.field("room_node_map", "ends") == "-");
            CHECK(node.records->snapshot().waiting == 0);
            CHECK(world.told(Notice::Kind::kLost) == 0);
        }
}

TEST_CASE_TEMPLATE(
    "RoomRecords: a Redis that is back empty has all rooms and their routing again [RDS-32]", F,
    Together, Apart) {
    World world;
    Node<F> node(world);
    for (int i = 0; i < 100; ++i) {
        const std::string room = "r" + std::to_string(i);
        node.set(room, "room of " + room);
        node.join(room, "alice", "a");
    }
    world.pass(Duration::seconds(1));
    world.server.stop(world.now);
    world.server.store().clear();
    world.server.start(world.now);
    const std::uint64_t before = world.server.count("EVAL");
    world.pass(Duration::seconds(1));
    for (int i = 0; i < 100; ++i) {
        const std::string room = "r" + std::to_string(i);
        CHECK(world.field("rooms", room) == "room of " + room);
        CHECK(world.field("room_node_map", room) == kNode);
        CHECK(participant(world, room, "alice") == "a");
    }
    CHECK(world.server.count("EVAL") - before == node.scripts(4, 100));  // kBatchRooms in each
    CHECK(world.told(Notice::Kind::kLost) == 1);                         // once for all
    CHECK(world.notices.count(Notice::Kind::kLost) == 100);
}

TEST_CASE_TEMPLATE("RoomRecords: a Redis that is back as it was before is mended [RDS-32]", F,
                   Together, Apart) {
    World world;
    Node<F> node(world);
    node.set("r", "new");
    node.join("r", "alice", "new");
    world.pass(Duration::seconds(1));
    world.server.stop(world.now);
    world.run({"HSET", "rooms", "r", "old"});
    world.run({"HSET", "room_participants:r", "alice", "old", "bob", "left since"});
    world.server.start(world.now);
    world.pass(Duration::seconds(1));
    CHECK(world.field("rooms", "r") == "new");
    CHECK(participant(world, "r", "alice") == "new");
    CHECK(participant(world, "r", "bob") == "-");
    CHECK(world.told(Notice::Kind::kLost) == 0);
}

TEST_CASE_TEMPLATE("RoomRecords: what a server that hung does late is found out", F, Together,
                   Apart) {
    World world;
    Node<F> node(world);
    node.set("r", "first");
    world.pass(Duration::seconds(1));
    world.server.hang(world.now);
    node.set("r", "second");
    world.pass(Duration::seconds(6));
    node.set("r", "third");
    world.server.go_on(world.now);
    world.pass(Duration::seconds(1));
    CHECK(world.field("rooms", "r") == "third");
    world.run({"HSET", "rooms", "r", "second"});  // from the old connection
    world.pass(RoomRecords::kSecondLook);
    CHECK(world.field("rooms", "r") == "third");
    const std::uint64_t before = world.server.count("EVAL");
    world.pass(Duration::seconds(60));
    CHECK(world.server.count("EVAL") == before);
    // With nothing on its way there is nothing to find.
    world.server.stop(world.now);
    world.pass(Duration::seconds(1));
    world.server.start(world.now);
    world.pass(Duration::seconds(60));
    CHECK(world.server.count("EVAL") == before + node.scripts(1, 1));
}

TEST_CASE_TEMPLATE(
    "RoomRecords: of two nodes with the same room, the one that ends leaves the other's "
    "[NODE-16]",
    F, Together, Apart) {
    World world;
    Node<F> a(world, "ND_a");
    Node<F> b(world, "ND_b");
    a.set("r", "of a");
    a.join("r", "alice", "a");
    world.pass(Duration::seconds(1));
    world.run({"HSET", "room_node_map", "r", "ND_b"});  // placed again
    b.routed.insert("r");
    b.set("r", "of b");
    b.join("r", "bob", "b");
    world.pass(Duration::millis(50));
    a.close("r");
    world.pass(Duration::seconds(1));
    CHECK(world.field("rooms", "r") == "of b");
    CHECK(participant(world, "r", "bob") == "b");
    CHECK(world.field("room_node_map", "r") == "ND_b");
    CHECK(world.told(Notice::Kind::kNotOurs) == 1);
    CHECK(a.records->snapshot().rooms == 0);
    b.close("r");
    world.pass(Duration::seconds(1));
    CHECK(world.server.store().keys().empty());
}

TEST_CASE_TEMPLATE("RoomRecords: what another node's close took is written again [RDS-32]", F,
                   Together, Apart) {
    World world;
    Node<F> node(world);
    node.set("r", "room");
    node.join("r", "alice", "a");
    node.set("other", "o");
    world.pass(Duration::seconds(1));
    for (const char* key : {"rooms", "room_internal", "room_node_map"})
        world.run({"HDEL", key, "r"});
    world.run({"DEL", "room_participants:r"});
    world.pass(RoomRecords::kAudit + Duration::seconds(1));
    CHECK(world.field("rooms", "r") == "room");
    CHECK(world.field("room_internal", "r") == "i");
    CHECK(world.field("room_node_map", "r") == kNode);
    CHECK(participant(world, "r", "alice") == "a");
    CHECK(world.told(Notice::Kind::kLost) == 1);
}

TEST_CASE_TEMPLATE(
    "RoomRecords: a room that another node has by now is neither written nor deleted [NODE-16]", F,
    Together, Apart) {
    World world;
    Node<F> node(world);
    node.set("r", "mine");
    node.set("s", "mine");
    world.pass(Duration::seconds(1));
    world.server.stop(world.now);
    world.run({"HSET", "room_node_map", "r", "ND_b", "s", "ND_b"});
    world.run({"HSET", "rooms", "r", "theirs", "s", "theirs"});
    world.server.start(world.now);
    world.pass(Duration::seconds(1));
    CHECK(node.displaced == std::vector<std::string>{"r>ND_b", "s>ND_b"});
    node.set("r", "mine 2");
    node.join("r", "alice", "a");
    node.close("s");
    world.pass(Duration::seconds(30));
    CHECK(world.field("rooms", "r") == "theirs");
    CHECK(world.field("rooms", "s") == "theirs");
    CHECK(world.field("room_node_map", "s") == "ND_b");
    CHECK(participant(world, "r", "alice") == "-");
    CHECK(node.displaced.size() == 2);  // each once
    CHECK(world.told(Notice::Kind::kNotOurs) == 2);
    // The other one has ended it, and it is this node's again.
    world.run({"HDEL", "room_node_map", "r"});
    world.run({"HDEL", "rooms", "r"});
    world.pass(RoomRecords::kAudit + Duration::seconds(1));
    CHECK(world.field("rooms", "r") == "mine 2");
    CHECK(participant(world, "r", "alice") == "a");
    CHECK(world.field("room_node_map", "r") == kNode);
}

TEST_CASE_TEMPLATE("RoomRecords: a room that another node took without an outage is found out", F,
                   Together, Apart) {
    World world;
    Node<F> node(world);
    node.set("r", "mine");
    world.pass(Duration::seconds(1));
    world.run({"HSET", "room_node_map", "r", "ND_b"});
    world.pass(RoomRecords::kAudit + Duration::seconds(1));
    CHECK(node.displaced == std::vector<std::string>{"r>ND_b"});
    // That one has died, and a third has it now.
    world.run({"HSET", "room_node_map", "r", "ND_c"});
    world.pass(RoomRecords::kAudit * 2);
    CHECK(node.displaced == std::vector<std::string>{"r>ND_b", "r>ND_c"});
}

TEST_CASE_TEMPLATE(
    "RoomRecords: a room made again while it is being deleted is there, without the old one", F,
    Together, Apart) {
    for (const bool outage : {false, true}) {
        World world;
        Node<F> node(world);
        node.set("r", "old");
        node.join("r", "alice", "a");
        world.pass(Duration::seconds(1));
        if (outage) world.server.stop(world.now);
        node.close("r");
        world.pass(Duration::micros(100));
        node.set("r", "new");
        node.join("r", "bob", "b");
        world.pass(Duration::seconds(1));
        if (outage) world.server.start(world.now);
        world.pass(Duration::seconds(1));
        CHECK(world.field("rooms", "r") == "new");
        CHECK(world.field("room_node_map", "r") == kNode);
        CHECK(participant(world, "r", "alice") == "-");
        CHECK(participant(world, "r", "bob") == "b");
        CHECK(node.records->snapshot().waiting == 0);
    }
}

TEST_CASE_TEMPLATE(
    "RoomRecords: a key of another type is told, tried again later, and holds up no other room", F,
    Together, Apart) {
    World world;
    world.run({"SET", "room_participants:bad", "text"});
    Node<F> node(world);
    for (const char* room : {"bad", "good", "fine"}) {
        node.set(room, room);
        node.join(room, "alice", "a");
    }
    world.pass(Duration::seconds(1));
    CHECK(world.field("rooms", "good") == "good");
    CHECK(participant(world, "good", "alice") == "a");
    CHECK(world.told(Notice::Kind::kWrongType) > 0);
    // With an outage the three are in one command.
    world.server.stop(world.now);
    world.server.store().clear();
    world.run({"SET", "room_participants:bad", "text"});
    world.server.start(world.now);
    world.pass(Duration::seconds(1));
    CHECK(participant(world, "good", "alice") == "a");
    CHECK(participant(world, "fine", "alice") == "a");
    const std::uint64_t before = world.server.count("EVAL");
    world.pass(Duration::seconds(600));
    CHECK(world.server.count("EVAL") - before < node.scripts(20, 20));
    CHECK(world.log.size() < 5);
    world.run({"DEL", "room_participants:bad"});
    world.pass(RoomRecords::kLongestRetry + Duration::seconds(1));
    CHECK(participant(world, "bad", "alice") == "a");
    CHECK(node.records->snapshot().waiting == 0);
}

TEST_CASE_TEMPLATE("RoomRecords: what is too large is not written, and told once", F, Together,
                   Apart) {
    World world;
    Node<F> node(world);
    node.set("r", "room");
    node.join("r", "alice", std::string(kMaxRecord + 1, 'x'));
    node.join("r", "bob", std::string(kMaxRecord, 'x'));
    node.set("large", std::string(kMaxRecord + 1, 'x'));
    world.pass(Duration::seconds(1));
    CHECK(participant(world, "r", "alice") == "-");
    CHECK(participant(world, "r", "bob").size() == kMaxRecord);
    CHECK(world.field("rooms", "large") == "-");
    CHECK(world.told(Notice::Kind::kTooLarge) == 2);
    node.join("large", "bob", "x");
    node.set("r", std::string(kMaxRecord + 1, 'x'));
    world.pass(Duration::seconds(1));
    CHECK(world.field("rooms", "r") == "room");
    CHECK(node.records->snapshot().rooms == 1);
}

TEST_CASE_TEMPLATE("RoomRecords: participants and rooms beyond the limit are told of", F, Together,
                   Apart) {
    World world;
    Node<F> node(world);
    node.set("r", "room");
    for (std::size_t i = 0; i <= RoomRecords::kMaxParticipants; ++i)
        node.join("r", std::to_string(i), "x");
    world.pass(Duration::seconds(1));
    CHECK(world.server.store().hash("room_participants:r")->size() ==
          RoomRecords::kMaxParticipants);
    CHECK(world.told(Notice::Kind::kTooMany) == 1);
    for (std::size_t i = 0; i < RoomRecords::kMaxRooms; ++i)
        node.records->set_room(world.now, "room " + std::to_string(i), "x", std::nullopt);
    CHECK(node.records->snapshot().rooms == RoomRecords::kMaxRooms);
    CHECK(world.told(Notice::Kind::kTooMany) == 2);
}

TEST_CASE_TEMPLATE("RoomRecords: five thousand rooms come, change, outlast an empty Redis and go",
                   F, Together, Apart) {
    World world;
    Node<F> node(world);
    for (int i = 0; i < 5000; ++i) {
        const std::string room = "room-" + std::to_string(i);
        node.set(room, std::string(400, 'r'));
        node.join(room, "alice", std::string(600, 'a'));
    }
    world.pass(Duration::seconds(5));
    CHECK(world.server.store().hash("rooms")->size() == 5000);
    CHECK(node.records->snapshot().held < 5000 * 1100);
    CHECK(world.server.count("HSET") < 5300);  // the participants' keys, and rooms in batches
    world.server.stop(world.now);
    world.server.store().clear();
    world.server.start(world.now);
    world.pass(Duration::seconds(5));
    CHECK(world.server.store().hash("rooms")->size() == 5000);
    CHECK(world.server.store().hash("room_internal")->size() == 5000);
    CHECK(world.server.store().hash("room_node_map")->size() == 5000);
    CHECK(world.server.store().keys().size() == 5003);
    CHECK(world.server.count("EVAL") < node.scripts(200, 5000));
    // At rest a few looks a second.
    const std::uint64_t looks = world.server.count("HMGET");
    world.pass(Duration::seconds(10));
    CHECK(world.server.count("HMGET") - looks <= 20);
    for (int i = 0; i < 5000; ++i)
        node.close("room-" + std::to_string(i));
    world.pass(Duration::seconds(5));
    CHECK(world.server.store().keys().empty());
    CHECK(node.records->snapshot().rooms == 0);
}

TEST_CASE_TEMPLATE("RoomRecords: what fails at one master is done again [RDS-32]", F, Apart) {
    using Fault = testing::Masters::Fault;
    for (const Fault fault : {Fault::kNotSent, Fault::kLost, Fault::kUnheard, Fault::kWithoutIt})
        for (std::uint64_t at = 0; at < 16; ++at) {
            CAPTURE(at);
            World world;
            Node<F> node(world);
            dynamic_cast<testing::Masters&>(*node.port).fail_after(at, fault);
            node.set("r", "1");
            node.join("r", "alice", "a");
            node.set("s", "1");
            world.pass(RoomRecords::kPace);
            node.records->handle_up(world.now);
            node.set("r", "2", std::nullopt);
            node.close("s");
            world.pass(RoomRecords::kFirstRetry + Duration::millis(100));
            CHECK(world.field("rooms", "r") == "2");
            CHECK(world.field("room_internal", "r") == "-");
            CHECK(participant(world, "r", "alice") == "a");
            CHECK(world.field("room_node_map", "r") == kNode);
            CHECK(world.field("rooms", "s") == "-");
            CHECK(world.field("room_node_map", "s") == "-");
            CHECK(node.records->snapshot().waiting == 0);
            CHECK(world.told(Notice::Kind::kRefused) == 0);
        }
}

TEST_CASE_TEMPLATE("RoomRecords: an answer on its way outlasts that others are up again", F,
                   Apart) {
    World world;
    Node<F> node(world);
    node.set("r", "old");
    world.pass(Duration::seconds(1));
    const auto& masters = dynamic_cast<const testing::Masters&>(*node.port);
    node.close("r");
    world.pass(Duration::micros(500));
    const std::uint64_t before = masters.asked;
    node.set("r", "new");
    node.records->handle_up(world.now);
    world.pass(Duration::micros(500));
    CHECK(masters.asked == before);  // first the deletion, then the room again
    world.pass(Duration::seconds(1));
    CHECK(world.field("rooms", "r") == "new");
    CHECK(world.field("room_node_map", "r") == kNode);
}

TEST_CASE_TEMPLATE("RoomRecords: whatever happens, in the end Redis has what is wanted", F,
                   Together, Apart) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        World world;
        Rng rng(seed);
        Node<F> node(world);
        std::map<std::string, std::map<std::string, std::string>> wanted;
        std::map<std::string, std::string> rooms;
        int version = 0;
        const auto room_name = [&] { return "r" + std::to_string(rng.below(5)); };
        for (int step = 0; step < 400; ++step) {
            const std::string room = room_name();
            const std::string identity = "p" + std::to_string(rng.below(4));
            const std::string bytes = "v" + std::to_string(++version);
            switch (rng.below(12)) {
                case 0:
                case 1:
                case 2:
                    node.set(room, rooms[room] = bytes,
                             rng.below(2) ? std::optional<std::string>("i") : std::nullopt);
                    break;
                case 3:
                case 4:
                case 5:
                case 6:
                    if (rooms.contains(room))
                        node.join(room, identity, wanted[room][identity] = bytes);
                    break;
                case 7:
                case 8:
                    node.leave(room, identity);
                    if (wanted.contains(room)) wanted[room].erase(identity);
                    break;
                case 9:
                    node.close(room);
                    rooms.erase(room);
                    wanted.erase(room);
                    break;
                case 10:
                    switch (rng.below(5)) {
                        case 0:
                            world.server.stop(world.now);
                            break;
                        case 1:
                            world.server.start(world.now);
                            break;
                        case 2:
                            world.server.hang(world.now);
                            break;
                        case 3:
                            world.server.go_on(world.now);
                            break;
                        default:
                            world.server.stop(world.now);
                            world.server.store().clear();
                    }
                    break;
                default:
                    world.pass(Duration::micros(static_cast<std::int64_t>(
                        rng.below(rng.below(4) == 0 ? 9'000'000 : 150'000))));
            }
        }
        world.server.go_on(world.now);
        world.server.start(world.now);
        world.pass(Duration::seconds(75));
        std::size_t with_participants = 0;
        for (const auto& [room, bytes] : rooms) {
            CHECK(world.field("rooms", room) == bytes);
            CHECK(world.field("room_node_map", room) == kNode);
            with_participants += wanted[room].empty() ? 0U : 1U;
            for (const auto& [identity, info] : wanted[room])
                CHECK(participant(world, room, identity) == info);
            const auto* hash = world.server.store().hash("room_participants:" + room);
            CHECK((hash ? hash->size() : 0) == wanted[room].size());
        }
        const auto* all = world.server.store().hash("rooms");
        CHECK((all ? all->size() : 0) == rooms.size());
        std::size_t hashes = 0;
        for (const std::string& key : world.server.store().keys())
            hashes += key.starts_with("room_participants:") ? 1U : 0U;
        CHECK(hashes == with_participants);
        CHECK(node.records->snapshot().waiting == 0);
    }
}

}  // namespace confab::cluster::store
