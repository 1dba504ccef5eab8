// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What past weeks needed, as nodes that come and go know it.
#include "cluster/nodes/scale_history.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/nodes/node_scaler.h"
#include "cluster/nodes/nodes_testing.h"

namespace confab::cluster::nodes {
namespace {

constexpr Duration kHour = Duration::seconds(3600);

// A node that looks an hour ahead, at a wall clock of its own.
struct Looking {
    explicit Looking(Cluster& cluster, const std::string& id)
        : world(cluster), node(world.add(id)) {
        node.figures.cpu_load = 0.1F;
        node.reconciler.start(world.now);
        scaler.set_history(history, [this](Timestamp) { return wall; });
        scaler.start(world.now);
    }
    void look() {
        scaler.handle_timeout(scaler.next_deadline());
        world.pass_seconds(6);  // a round, and what it writes has arrived
    }
    std::string kept(std::size_t hour) {
        const auto* hash = world.server.store().hash(ScaleHistory::kKey);
        if (hash == nullptr) return "-";
        const auto at = hash->find(std::to_string(hour));
        return at == hash->end() ? "-" : at->second;
    }
    static ScaleOptions options() {
        ScaleOptions result;
        result.ahead = kHour;
        result.hold = Duration::zero();
        result.most = 9;
        return result;
    }

    Cluster& world;
    TestNode& node;
    bool leads = true;
    UnixTime wall = UnixTime::seconds(0);  // hour 0
    ScaleHistory history{*node.port};
    NodeScaler scaler{node.registry.table(), [this](Timestamp) { return leads; }, options()};
};

}  // namespace

TEST_CASE(
    "NodeScaler: before an hour that needed more, more are desired, and after it no more "
    "[OPS-04]") {
    Cluster world;
    Looking a(world, "a");
    world.pass_seconds(10);
    a.look();
    CHECK(a.scaler.snapshot().desired == 1);
    CHECK(a.scaler.snapshot().expected == 0);
    CHECK(a.history.forecast().load({2, 4.5}));
    CHECK(a.history.forecast().load({3, 100}));
    a.look();
    CHECK(a.scaler.snapshot().desired == 1);
    a.wall = a.wall + kHour;  // hour 1
    a.look();
    CHECK(a.scaler.snapshot().expected == 5);
    CHECK(a.scaler.snapshot().desired == 5);
    a.wall = a.wall + kHour;
    a.look();
    CHECK(a.scaler.snapshot().desired == 9);  // never more than the most
    a.wall = a.wall + kHour;
    a.look();
    CHECK(a.scaler.snapshot().desired == 1);
    // What was needed in it, not what was expected of it: half of 4.5, half of 1.
    CHECK(a.history.forecast().of(UnixTime::seconds(2 * 3600)) == 2.75);
}

TEST_CASE(
    "ScaleHistory: who leads keeps each hour in Redis, and the next node reads them [OPS-04]") {
    Cluster world;
    Looking a(world, "a");
    world.pass_seconds(10);
    a.look();
    CHECK(a.kept(0) == "-");
    a.wall = a.wall + kHour;
    a.look();
    CHECK(a.kept(0) == "1.000000");
    a.leads = false;
    a.look();
    a.wall = a.wall + kHour;
    a.look();
    CHECK(a.kept(1) == "-");
    const auto set = [&](const std::string& hour, const std::string& needed) {
        const std::array<std::string_view, 4> words = {"HSET", ScaleHistory::kKey, hour, needed};
        (void)world.server.store().run(world.now, words);
    };
    set("7", "6.5");
    set("8", "many");
    set("168", "3");
    set("x", "3");
    Looking b(world, "b");
    world.pass_seconds(1);
    b.history.handle_up(world.now);
    world.pass_seconds(1);
    CHECK(b.history.forecast().of(UnixTime::seconds(7 * 3600)) == 6.5);
    CHECK(b.history.forecast().of(UnixTime::seconds(8 * 3600)) == 0);
    CHECK(b.history.forecast().of(UnixTime::seconds(0)) == 1);
    set("9", "2");
    b.history.handle_up(world.now);  // it has been read
    world.pass_seconds(1);
    CHECK(b.history.forecast().of(UnixTime::seconds(9 * 3600)) == 0);
}

TEST_CASE("ScaleHistory: without Redis it is read when there is one again [OPS-04]") {
    Cluster world;
    Looking a(world, "a");
    world.pass_seconds(10);
    world.server.stop(world.now);
    world.pass_seconds(1);
    a.history.handle_up(world.now);
    world.pass_seconds(5);
    world.server.start(world.now);
    const std::array<std::string_view, 4> words = {"HSET", ScaleHistory::kKey, "7", "6"};
    (void)world.server.store().run(world.now, words);
    world.pass_seconds(30);
    a.history.handle_up(world.now);
    world.pass_seconds(1);
    CHECK(a.history.forecast().of(UnixTime::seconds(7 * 3600)) == 6);
}

}  // namespace confab::cluster::nodes
