// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/tokens/shared_revocations.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "base/text.h"
#include "cluster/store/world_testing.h"
#include "rpc/local_bus.h"
#include "rpc_tokens.pb.h"

namespace confab::cluster::tokens {
namespace {

using token::Revocations;

constexpr std::string_view kKey = "confab_revocations";
constexpr UnixTime kStart = UnixTime::seconds(1'700'000'000);

// Nodes on one Redis and one bus.
struct World : store::testing::World {
    struct Node {
        Node(World& world, const std::string& id)
            : bus(world.hub, id), port(world.attach([this](Timestamp at) {
                  if (shared) shared->handle_up(at);
              })) {
            shared = std::make_unique<SharedRevocations>(
                *port, world.notices, bus, table,
                [&world](Timestamp at) { return world.wall(at); });
            shared->handle_up(world.now);
        }
        Revocations table;
        std::unique_ptr<SharedRevocations> shared;
        rpc::LocalBus bus;
        std::unique_ptr<redis::Port> port;
        ~Node() { shared.reset(); }
    };

    World() {
        machines.push_back({[this](Timestamp at) { hub.handle_timeout(at); },
                            [this] { return hub.next_deadline(); }});
    }
    UnixTime wall(Timestamp at) const { return kStart + (at - begin); }
    UnixTime wall() const { return wall(now); }
    Node& add(const std::string& id) {
        nodes.push_back(std::make_unique<Node>(*this, id));
        drive(*nodes.back()->shared);
        pass(kTurn);
        return *nodes.back();
    }
    // All end; Redis stays.
    void end_all() {
        machines.resize(1);
        nodes.clear();
    }
    void revoke(Node& node, const std::string& identity, Duration ahead = {},
                const std::string& room = "room") {
        const auto record = Revocations::record_of(room, identity, kStart + ahead);
        (void)node.table.add(record, wall());
        node.shared->tell(now, record);
    }
    // The time until which they are revoked, since the start; -1 if they are not.
    std::int64_t of(const Node& node, const std::string& identity,
                    const std::string& room = "room") const {
        const auto before = node.table.find(Revocations::record_of(room, identity, {}).name);
        return before ? (*before - kStart).us() / 1'000'000 : -1;
    }
    std::size_t stored() {
        const auto* hash = server.store().hash(kKey);
        return hash == nullptr ? 0 : hash->size();
    }
    std::int64_t stored_time(const std::string& identity) {
        const auto name = Revocations::record_of("room", identity, {}).name;
        ::rpc::TokensRevoked message;
        if (!message.ParseFromString(field(kKey, to_hex(BytesView(name))))) return -1;
        return message.before() - kStart.s();
    }

    static constexpr Duration kTurn = Duration::millis(20);
    Timestamp begin = now;
    rpc::LocalHub hub;
    std::vector<std::unique_ptr<Node>> nodes;
};

}  // namespace

TEST_CASE("SharedRevocations: what one node revokes is revoked at all, at once [TOK-14]") {
    World world;
    auto& a = world.add("a");
    auto& b = world.add("b");
    world.revoke(a, "ann");
    world.pass(World::kTurn);
    CHECK(world.of(b, "ann") >= 0);
    CHECK(world.of(b, "ann") == world.of(a, "ann"));
    CHECK(world.of(b, "bob") == -1);
    CHECK(world.stored() == 1);
    // Redis has no names.
    CHECK(world.server.store().hash(kKey)->begin()->second.find("ann") == std::string::npos);
}

TEST_CASE("SharedRevocations: they outlive the nodes [TOK-14]") {
    World world;
    world.revoke(world.add("a"), "ann");
    world.pass(World::kTurn);
    world.end_all();
    auto& later = world.add("c");
    CHECK(world.of(later, "ann") >= 0);
    CHECK(later.table.records().at(0).room == Revocations::record_of("room", "", {}).room);
}

TEST_CASE("SharedRevocations: what was not heard is read when Redis is there again [TOK-14]") {
    World world;
    auto& a = world.add("a");
    auto& b = world.add("b");
    world.server.stop(world.now);
    world.pass(Duration::seconds(1));
    world.revoke(a, "ann");
    (void)b;
    world.pass(Duration::seconds(1));
    CHECK(world.stored() == 0);
    world.server.start(world.now);
    world.pass(Duration::seconds(5));
    CHECK(world.stored() == 1);
    // A node that heard nothing has it by the hour.
    const auto silent = Revocations::record_of("room", "bob", world.wall());
    ::rpc::TokensRevoked message;
    message.set_name(silent.name.data(), silent.name.size());
    message.set_room(silent.room.data(), silent.room.size());
    message.set_before(silent.before.s());
    (void)world.run({"HSET", kKey, to_hex(BytesView(silent.name)), message.SerializeAsString()});
    CHECK(world.of(b, "bob") == -1);
    world.pass(SharedRevocations::kReadEvery);
    CHECK(world.of(b, "bob") >= 0);
}

TEST_CASE("SharedRevocations: a Redis that lost all has all again [TOK-14] [RDS-32]") {
    World world;
    auto& a = world.add("a");
    for (int i = 0; i < 1500; ++i)  // more than one command takes
        world.revoke(a, "ann" + std::to_string(i));
    world.pass(World::kTurn);
    CHECK(world.stored() == 1500);
    (void)world.run({"DEL", kKey});
    a.shared->handle_up(world.now);
    world.pass(World::kTurn);
    CHECK(world.stored() == 1500);
}

TEST_CASE("SharedRevocations: of two times the later one counts, everywhere [TOK-14]") {
    World world;
    auto& a = world.add("a");
    auto& b = world.add("b");
    world.revoke(a, "ann", Duration::seconds(100));
    world.pass(World::kTurn);
    // One that does not know it revokes until an earlier time.
    b.table = Revocations();
    world.revoke(b, "ann", Duration::seconds(50));
    world.pass(World::kTurn);
    CHECK(world.of(a, "ann") == 100);
    CHECK(world.of(b, "ann") == 100);
    CHECK(world.stored_time("ann") == 100);
    // So does what is read.
    b.table = Revocations();
    (void)b.table.add(Revocations::record_of("room", "ann", kStart + Duration::seconds(200)),
                      world.wall());
    b.shared->handle_up(world.now);
    world.pass(World::kTurn);
    CHECK(world.stored_time("ann") == 200);
}

TEST_CASE("SharedRevocations: a time too far ahead is what the table takes [TOK-14]") {
    World world;
    auto& a = world.add("a");
    auto& b = world.add("b");
    world.revoke(a, "ann", Duration::seconds(1'000'000));
    world.pass(World::kTurn);
    const std::int64_t most = (world.wall() + Revocations::kMaxAhead - kStart).us() / 1'000'000;
    CHECK(world.stored_time("ann") >= most);
    CHECK(world.stored_time("ann") <= most + 1);
    CHECK(world.stored_time("ann") == world.of(a, "ann"));
    CHECK(world.of(b, "ann") == world.of(a, "ann"));
}

TEST_CASE("SharedRevocations: what no token can be older than goes [TOK-14]") {
    World world;
    world.revoke(world.add("a"), "ann");
    world.pass(World::kTurn);
    world.end_all();
    world.pass(Revocations::kMaxTokenLifetime + Duration::seconds(10));
    auto& later = world.add("b");
    CHECK(world.of(later, "ann") == -1);
    CHECK(world.stored() == 0);
}

TEST_CASE("SharedRevocations: what is none is passed over, and taken off with a notice [TOK-14]") {
    World world;
    auto& a = world.add("a");
    const auto record = Revocations::record_of("room", "ann", world.wall());
    const auto bytes = [&](const std::function<void(::rpc::TokensRevoked&)>& change) {
        ::rpc::TokensRevoked message;
        message.set_name(record.name.data(), record.name.size());
        message.set_room(record.room.data(), record.room.size());
        message.set_before(record.before.s());
        change(message);
        return message.SerializeAsString();
    };
    const std::string bad[] = {
        "\xff",
        "",
        bytes([](auto& message) { message.set_name("short"); }),
        bytes([](auto& message) { message.set_room("short"); }),
        bytes([](auto& message) { message.set_before(-1); }),
        bytes([](auto& message) { message.set_before(1'000'000'000'000); }),
        bytes([](auto& message) { message.set_tenant(std::string(257, 't')); }),
    };
    const std::string field = to_hex(BytesView(record.name));
    for (const std::string& one : bad) {
        a.bus.publish({"Tokens", "Revoked", rpc::Flow::kPublish}, {}, one);
        (void)world.run({"HSET", kKey, field, one});
        a.shared->handle_up(world.now);
        world.pass(World::kTurn);
        CHECK(a.table.size() == 0);
        CHECK(world.stored() == 0);
    }
    CHECK(world.told(store::Notice::Kind::kGarbage) >= 1);
    // Under another name than its own.
    (void)world.run({"HSET", kKey, "other", bytes([](auto&) {})});
    a.shared->handle_up(world.now);
    world.pass(World::kTurn);
    CHECK(world.stored() == 0);
    a.bus.publish({"Tokens", "Revoked", rpc::Flow::kPublish}, {}, bytes([](auto&) {}));
    world.pass(World::kTurn);
    CHECK(world.of(a, "ann") >= 0);
}

TEST_CASE("SharedRevocations: of more than a room may have all nodes forget the same [TOK-14]") {
    World world;
    auto& a = world.add("a");
    for (std::size_t i = 0; i < Revocations::kMaxPerRoom + 3; ++i)
        world.revoke(a, std::to_string(i), Duration::seconds(static_cast<std::int64_t>(i) - 5000));
    world.pass(SharedRevocations::kReadAgain + Duration::seconds(1));
    auto& b = world.add("b");
    a.shared->handle_up(world.now);
    world.pass(SharedRevocations::kReadAgain + Duration::seconds(1));
    CHECK(a.table.size() == Revocations::kMaxPerRoom);
    CHECK(b.table.size() == Revocations::kMaxPerRoom);
    CHECK(world.stored() == Revocations::kMaxPerRoom);
    const auto knows = [&](std::size_t i) {
        const auto record = Revocations::record_of("room", std::to_string(i), {});
        return b.table.find(record.name).has_value();
    };
    CHECK_FALSE(knows(0));
    CHECK_FALSE(knows(2));
    CHECK(knows(3));
    CHECK(knows(Revocations::kMaxPerRoom + 2));
}

TEST_CASE("SharedRevocations: more than is kept of a turn is read instead [TOK-14]") {
    World world;
    auto& a = world.add("a");
    auto& b = world.add("b");
    world.machines.pop_back();  // it has no turn
    for (std::size_t i = 0; i < SharedRevocations::kMaxHeard + 10; ++i)
        world.revoke(a, "ann", {}, "room" + std::to_string(i));
    world.pass(Duration::seconds(1));
    CHECK(b.table.size() == 0);
    world.drive(*b.shared);
    world.pass(Duration::seconds(1));
    CHECK(b.table.size() == SharedRevocations::kMaxHeard + 10);
}

TEST_CASE("SharedRevocations: Redis that refuses is asked again [TOK-14]") {
    World world;
    auto& a = world.add("a");
    const auto refuse = [&](const std::function<void()>& what) {
        (void)world.run({"DEL", kKey});
        (void)world.run({"SET", kKey, "no hash"});
        what();
        world.pass(World::kTurn);
        (void)world.run({"DEL", kKey});
        world.pass(SharedRevocations::kReadAgain + Duration::seconds(1));
        CHECK(world.stored() == 1);
    };
    refuse([&] { world.revoke(a, "ann"); });
    refuse([&] { a.shared->handle_up(world.now); });
}

}  // namespace confab::cluster::tokens
