// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/node_scaler.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "cluster/nodes/nodes_testing.h"

namespace confab::cluster::nodes {
namespace {

// Real nodes, each with a scaler that is asked whenever it is due.
struct World : Cluster {
    TestNode& begin(const std::string& id, float cpu_load, int clients) {
        TestNode& node = add(id);
        node.figures.cpu_load = cpu_load;
        node.figures.num_clients = clients;
        node.reconciler.start(now);
        auto& scaler = scalers[id] = std::make_unique<NodeScaler>(
            node.registry.table(), [&node](Timestamp at) { return node.reconciler.is_leader(at); },
            ScaleOptions{});
        scaler->start(now);
        return node;
    }
    void end(const std::string& id) {
        scalers.erase(id);
        kill(id);
    }
    void live(std::int64_t seconds) {
        for (std::int64_t i = 0; i < seconds; ++i) {
            pass_seconds(1);
            for (auto& [id, scaler] : scalers) {
                if (scaler->next_deadline() > now) continue;
                scaler->handle_timeout(now);
                while (const auto event = scaler->poll_event())
                    said += id + ": " + std::to_string(event->desired) + " of " +
                            std::to_string(event->serving) + ", " + event->drain.value_or("-") +
                            "; ";
            }
        }
    }
    std::string leader() {
        std::string found;
        for (auto& [id, scaler] : scalers)
            if (scaler->snapshot().leads) found += id;
        return found;
    }
    std::string take() { return std::exchange(said, {}); }
    std::map<std::string, std::unique_ptr<NodeScaler>> scalers;
    std::string said;
};

}  // namespace

TEST_CASE("NodeScaler: all look, one says who should go, after the hold [OPS-04]") {
    World world;
    world.begin("a", 0.3F, 30);
    world.begin("b", 0.2F, 20);
    world.begin("c", 0.1F, 10);
    world.live(60);
    const std::string leader = world.leader();
    REQUIRE(leader.size() == 1);
    CHECK(world.take() == leader + ": 3 of 3, -; ");
    for (auto& [id, scaler] : world.scalers) {
        CHECK(scaler->snapshot().desired == 3);
        CHECK(scaler->snapshot().serving == 3);
    }
    world.live(600);
    CHECK(world.take() == leader + ": 1 of 3, c; ");
    for (auto& [id, scaler] : world.scalers) {
        CHECK(scaler->snapshot().desired == 1);
        CHECK(scaler->snapshot().drain.has_value() == (id == leader));
    }
    world["c"].registry.set_state(world["c"].clock(), NodeState::kShuttingDown);
    world.live(10);
    CHECK(world.take() == leader + ": 1 of 2, -; ");
}

TEST_CASE("NodeScaler: who leads next knows the hold of before [OPS-04]") {
    World world;
    world.begin("a", 0.3F, 30);
    world.begin("b", 0.2F, 20);
    world.begin("c", 0.1F, 10);
    world.live(500);
    const std::string leader = world.leader();
    world.take();
    world.end(leader);
    world.live(90);
    const std::string next = world.leader();
    REQUIRE(next.size() == 1);
    CHECK(world.take() == next + ": 2 of 2, -; ");
    world.live(60);  // not ten minutes after it began to lead
    CHECK(world.take().find(next + ": 1 of 2, " + (leader == "c" ? "b" : "c")) == 0);
}

TEST_CASE(
    "NodeScaler: knows nothing before the records are read, and says all when it leads again "
    "[OPS-04]") {
    World world;
    TestNode& a = world.begin("a", 0.3F, 30);
    bool leads = true;
    NodeScaler scaler(a.registry.table(), [&leads](Timestamp) { return leads; }, {});
    scaler.start(world.now);
    scaler.handle_timeout(world.now);
    CHECK(scaler.snapshot().desired == 0);
    CHECK_FALSE(scaler.poll_event());
    world.live(10);
    const auto says = [&] {
        world.live(5);
        scaler.handle_timeout(world.now);
        return scaler.poll_event().has_value();
    };
    CHECK(says());
    CHECK(scaler.snapshot().desired == 1);
    CHECK_FALSE(says());
    leads = false;
    CHECK_FALSE(says());
    leads = true;
    CHECK(says());
}

TEST_CASE("NodeScaler: without Redis the figures stay, and nobody is to go [OPS-04] [NODE-14]") {
    World world;
    world.begin("a", 0.3F, 30);
    world.begin("b", 0.2F, 20);
    world.live(700);
    const std::string leader = world.leader();
    REQUIRE(world.scalers.at(leader)->snapshot().drain == "b");
    world.server.stop(world.now);
    world.live(1200);
    CHECK(world.leader().empty());
    for (auto& [id, scaler] : world.scalers) {
        CHECK(scaler->snapshot().desired == 1);
        CHECK(scaler->snapshot().serving == 2);
        CHECK_FALSE(scaler->snapshot().drain);
    }
    world.server.start(world.now);
    world.live(120);
    REQUIRE(world.leader().size() == 1);
    CHECK(world.scalers.at(world.leader())->snapshot().drain == "b");
}

}  // namespace confab::cluster::nodes
