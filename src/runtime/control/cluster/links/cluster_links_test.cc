// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whole nodes with direct links between them: what goes over them, and what their end says.
#include "runtime/control/cluster/links/cluster_links.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "runtime/control/cluster/cluster_node_testing.h"

namespace confab::control {
namespace {

struct LinkedNode : ClusterNode {
    LinkedNode(const MemoryRedis& redis, const std::string& id)
        : ClusterNode(redis, id, true, true) {}
    bool has_links(std::size_t count) {
        return eventually([&](Cluster& cluster) { return cluster.snapshot().links == count; });
    }
};

// ann at a, in a room of b.
struct RelayedCall {
    MemoryRedis redis;
    LinkedNode a{redis, "ND_a"};
    std::unique_ptr<LinkedNode> b = std::make_unique<LinkedNode>(redis, "ND_b");
    std::unique_ptr<ClusterClient> ann;

    RelayedCall() {
        REQUIRE(a.has_links(1));
        REQUIRE(b->has_links(1));
        (void)redis.run({"HSET", "room_node_map", "r", "ND_b"});
        ann = std::make_unique<ClusterClient>(a, "r", "ann");
        REQUIRE(ann->is_in());
    }
};

std::size_t published(MemoryRedis& redis) {
    return redis.with([](redis::testing::Server& server) { return server.count("PUBLISH"); });
}

}  // namespace

TEST_CASE("ClusterLinks: signalling does not pass Redis [NODE-20]") {
    RelayedCall call;
    CHECK(call.ann->is_served(1));
    // Heartbeats go on: a ping of each node in 500 ms.
    const std::size_t before = published(call.redis);
    for (std::uint32_t i = 2; i < 202; ++i)
        REQUIRE(call.ann->is_served(i));
    CHECK(published(call.redis) - before < 100);
}

TEST_CASE("ClusterLinks: without Redis a session of two nodes goes on [RDS-30] [NODE-14]") {
    RelayedCall call;
    REQUIRE(call.ann->is_served(1));
    call.redis.stop();
    const auto is_away = [](Cluster& cluster) { return !cluster.snapshot().connected; };
    REQUIRE(call.a.eventually(is_away));
    REQUIRE(call.b->eventually(is_away));
    CHECK(call.ann->is_served(2));
    call.redis.start();
    CHECK(call.ann->is_served(3));
}

TEST_CASE("ClusterLinks: a node whose process has ended is dead at once [NODE-24]") {
    RelayedCall call;
    const Timestamp began = net::EventLoop::now();
    call.b->end();
    const auto leave = call.ann->wait(livekit::SignalResponse::kLeave).leave();
    CHECK(leave.action() == livekit::LeaveRequest::RECONNECT);
    CHECK(net::EventLoop::now() - began < Duration::millis(4400));  // its record says it for 5 s
    CHECK(call.redis.run({"HEXISTS", "nodes", "ND_b"}).integer == 1);
    ClusterClient again(call.a, "r", "ann");
    CHECK(again.is_in());
    CHECK(call.redis.run({"HGET", "room_node_map", "r"}).text == "ND_a");
}

TEST_CASE("ClusterLinks: a node that stands still is not dead, as its system answers [NODE-24]") {
    RelayedCall call;
    REQUIRE(call.ann->is_served(1));
    std::promise<void> seen;
    std::thread halt([&call, go_on = seen.get_future().share()] {
        call.b->call([&go_on](Cluster&) {
            go_on.wait();
            return true;
        });
    });
    // Its record is too old by then: it would be dead, but for the link.
    CHECK(call.a.sees_nodes(1));  // nothing new for it
    seen.set_value();
    halt.join();
    CHECK(call.ann->is_served(2));
    CHECK(call.a.sees_nodes(2));
    const auto lost = [](Cluster& cluster) { return cluster.snapshot().nodes_lost; };
    CHECK(call.a.call(lost) == 0);
    CHECK(call.b->call(lost) == 0);
    CHECK(call.redis.run({"HGET", "room_node_map", "r"}).text == "ND_b");
}

TEST_CASE("ClusterLinks: who is heard is not dead, whatever becomes of its record [NODE-01]") {
    RelayedCall call;
    REQUIRE(call.ann->is_served(1));
    REQUIRE(call.a.sees_nodes(2));
    // Somebody else writes it, and always the same.
    const std::string other = call.redis.run({"HGET", "nodes", "ND_b"}).text;
    std::uint32_t said = 1;
    for (int i = 0; i < 350; ++i) {
        (void)call.redis.run({"HSET", "nodes", "ND_b", other});
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        // Much is said over the link, then nothing but its heartbeats.
        if (i < 300 && i % 10 == 0) REQUIRE(call.ann->is_served(++said));
    }
    const auto lost = [](Cluster& cluster) { return cluster.snapshot().nodes_lost; };
    CHECK(call.a.call(lost) == 0);
    CHECK(call.ann->is_served(++said));
    CHECK(call.redis.run({"HGET", "room_node_map", "r"}).text == "ND_b");
    CHECK(call.a.sees_nodes(2));  // it may write again
}

TEST_CASE("ClusterLinks: with a secret of another cluster there is no link, and Redis does") {
    MemoryRedis redis;
    LinkedNode a(redis, "ND_a");
    REQUIRE(redis.eventually([](const redis::MemoryStore& store) {
        const auto keys = store.keys();
        return std::find(keys.begin(), keys.end(), "confab_link_secret") != keys.end();
    }));
    (void)redis.run({"SET", "confab_link_secret", "of another one"});
    LinkedNode b(redis, "ND_b");
    REQUIRE(b.sees_nodes(2));
    REQUIRE(a.sees_nodes(2));
    (void)redis.run({"HSET", "room_node_map", "r", "ND_b"});
    ClusterClient ann(a, "r", "ann");
    REQUIRE(ann.is_in());
    CHECK(ann.is_served(1));
    // It is asked for again, and then there is one.
    CHECK(a.has_links(1));
    CHECK(ann.is_served(2));
}

}  // namespace confab::control
