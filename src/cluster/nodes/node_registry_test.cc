// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/node_registry.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "cluster/nodes/nodes_testing.h"
#include "rpc_keepalive.pb.h"

namespace confab::cluster::nodes {
namespace {

using Words = std::vector<std::string>;

NodeOptions skewed(std::int64_t ms) {
    NodeOptions options;
    options.skew = Duration::millis(ms);
    return options;
}
bool has_died(const TestNode& node) {
    return std::any_of(node.events.begin(), node.events.end(),
                       [](const std::string& event) { return event.starts_with("died"); });
}
// Reads what a server was asked, in order.
struct Spy final : redis::Port {
    explicit Spy(std::unique_ptr<redis::Port> to) : port(std::move(to)) {}
    Result<void, redis::Fault> command(Timestamp now, redis::Words words,
                                       redis::Reply done) override {
        said.push_back(std::string(words[0]) + " " + std::string(words.size() > 1 ? words[1] : ""));
        return port->command(now, words, std::move(done));
    }
    void subscribe(Timestamp now, std::string channel) override {
        said.push_back("SUBSCRIBE " + channel);
        port->subscribe(now, std::move(channel));
    }
    void unsubscribe(Timestamp now, const std::string& channel) override {
        port->unsubscribe(now, channel);
    }
    bool is_up(redis::Line line) const override { return port->is_up(line); }
    std::unique_ptr<redis::Port> port;
    Words said;
};

}  // namespace

TEST_CASE("NodeRegistry: the commands of a start, in their order [RDS-31] [RDS-01]") {
    redis::MemoryServer server;
    Timestamp now;
    Spy spy(server.attach(now, {}));
    PingBus bus;
    bus.port = &spy;
    NodeRegistry registry(
        spy, bus, registry_options("a", {}), [] { return NodeFigures{}; }, Rng(1));
    const auto pass = [&](Duration time) {
        for (const Timestamp end = now + time; now < end; now = now + Duration::micros(100)) {
            server.handle_timeout(now);
            bus.now = now;
            bus.handle_timeout();
            registry.handle_timeout({now, UnixTime::seconds(1000) + (now - Timestamp())});
        }
    };
    server.handle_timeout(now);
    registry.start({now, UnixTime::seconds(1000)}, NodeState::kServing);
    pass(Duration::millis(100));
    CHECK(spy.said == Words{"SUBSCRIBE Keepalive|Ping|a|REQ", "HVALS nodes", "HSET nodes",
                            "GET livekit_version", "HVALS nodes", "SET livekit_version"});
    CHECK(*server.store().string("livekit_version") == "1.13.5");
    spy.said.clear();
    pass(Duration::millis(1850));
    std::erase(spy.said, "HVALS nodes");
    CHECK(spy.said.empty());
    pass(Duration::millis(100));
    std::erase(spy.said, "HVALS nodes");
    CHECK(spy.said == Words{"PUBLISH Keepalive|Ping|a|REQ"});
    CHECK(bus.published == "rpc.KeepalivePing");
}

TEST_CASE("NodeRegistry: there is no record before others are heard [PSR-20] [RDS-31]") {
    Cluster cluster;
    TestNode& a = cluster.add("a");
    a.bus.listens = false;
    cluster.pass_seconds(5);
    CHECK(cluster.server.count("HVALS") >= 2);
    CHECK_FALSE(cluster.record("a"));
    CHECK(a.take_events().empty());
    // It does not wait for its next look at the others.
    a.bus.listens = true;
    a.handle_timeout();
    cluster.pass(Duration::millis(1));
    CHECK(cluster.record("a"));
    CHECK(a.count("stuck") == 0);
    // Only once: what comes later has no need of it.
    a.bus.listens = false;
    cluster.pass_seconds(3);
    CHECK(cluster.server.count("HSET") >= 2);
}

TEST_CASE("NodeRegistry: a start that nobody hears of says why, once [PSR-20] [NODE-15]") {
    Cluster cluster;
    TestNode& a = cluster.add("a");
    a.bus.listens = false;
    cluster.pass_seconds(29);
    CHECK(a.take_events().empty());
    cluster.pass_seconds(31);
    CHECK(a.take_events() == Words{"stuck"});
    a.bus.listens = true;
    cluster.pass_seconds(3);
    CHECK(a.take_events() == Words{"registered"});
}

TEST_CASE("NodeRegistry: livekit_version is only raised [RDS-01]") {
    const auto after = [](const char* before) {
        Cluster cluster;
        if (before != nullptr) cluster.run({"SET", "livekit_version", before});
        TestNode& node = cluster.add("a");
        cluster.pass_seconds(1);
        return *cluster.server.store().string("livekit_version") + " " +
               std::to_string(node.registry.snapshot().strange_versions);
    };
    CHECK(after(nullptr) == "1.13.5 0");
    CHECK(after("1.9.10") == "1.13.5 0");
    CHECK(after("1.13.6") == "1.13.6 0");
    CHECK(after("what") == "what 1");
}

TEST_CASE("NodeRegistry: the record of a node, every two seconds [NODE-01] [NODE-02] [NODE-03]") {
    Cluster cluster;
    NodeOptions options;
    options.region = "eu";
    options.limits = {400, 0};
    TestNode& a = cluster.add("a", options);
    CHECK_FALSE(a.registry.last_heartbeat());
    cluster.pass(Duration::millis(100));
    const auto first = cluster.record("a");
    REQUIRE(first);
    CHECK(first->ip == "10.0.0.1");
    CHECK(first->region == "eu");
    CHECK(first->num_cpus == 2);
    CHECK(first->limits == NodeLimits{400, 0});
    CHECK(first->state == NodeState::kServing);
    CHECK(first->stats->started_at == 1'795'161'953);
    CHECK(first->stats->updated_at == 1'795'161'953);
    CHECK(a.take_events() == Words{"registered"});
    for (int i = 0; i < 6; ++i) {
        a.figures.num_rooms = i;
        a.figures[Counter::kBytesOut] += 2000;
        cluster.pass_seconds(2);
    }
    const auto later = cluster.record("a");
    CHECK(later->stats->started_at == 1'795'161'953);
    CHECK(later->stats->updated_at == 1'795'161'965);
    CHECK(a.registry.last_heartbeat()->s() == 1'795'161'965);
    CHECK(later->stats->figures.num_rooms == 5);
    REQUIRE(later->stats->rates.size() == 1);
    CHECK(later->stats->rates[0][Counter::kBytesOut] == doctest::Approx(1000).epsilon(0.01));
    CHECK(cluster.server.count("HSET") == 7);
    CHECK(a.take_events().empty());
}

TEST_CASE(
    "NodeRegistry: pings that do not come back leave the record as it is [NODE-02] [NODE-15]") {
    Cluster cluster;
    TestNode& a = cluster.add("a");
    TestNode& b = cluster.add("b");
    cluster.pass_seconds(10);
    a.take_events();
    CHECK(a.registry.is_ready(cluster.now));
    CHECK(a.registry.health_text(a.clock()) == "OK");
    cluster.server.filter = [](std::string_view channel, std::string_view) {
        return channel.find("|a|") == std::string_view::npos;
    };
    const auto stale = cluster.until([&] { return !a.registry.is_ready(cluster.now); });
    CHECK(stale <= Duration::millis(4010));
    CHECK(stale >= Duration::seconds(2));
    CHECK(a.registry.health_text(a.clock()) ==
          "Not Ready\nNode Updated At 2026-11-20 08:06:01 +0000 UTC");
    cluster.pass_seconds(4);
    CHECK(b.count("died a") == 1);
    CHECK(a.count("stuck") == 0);
    cluster.pass_seconds(30);
    CHECK(a.count("stuck") == 1);
    cluster.server.filter = {};
    cluster.pass_seconds(5);
    CHECK(a.registry.is_ready(cluster.now));
    CHECK(b.count("came a") == 2);
    CHECK(a.count("away") == 1);
}

TEST_CASE("NodeRegistry: drained and back again [OPS-01] [NODE-13]") {
    Cluster cluster;
    TestNode& a = cluster.add("a");
    cluster.pass_seconds(5);
    a.registry.set_state(a.clock(), NodeState::kShuttingDown);
    cluster.pass(Duration::millis(2));
    CHECK(cluster.record("a")->state == NodeState::kShuttingDown);
    CHECK_FALSE(a.registry.is_ready(cluster.now));
    CHECK(a.registry.health_text(a.clock()) == "OK");
    cluster.pass_seconds(10);
    CHECK(cluster.record("a")->state == NodeState::kShuttingDown);
    a.registry.set_state(a.clock(), NodeState::kServing);
    cluster.pass(Duration::millis(2));
    CHECK(cluster.record("a")->state == NodeState::kServing);
    CHECK(a.registry.is_ready(cluster.now));
}

TEST_CASE("NodeRegistry: a stop withdraws the record, and others hear of it [NODE-13]") {
    Cluster cluster;
    TestNode& a = cluster.add("a");
    TestNode& b = cluster.add("b");
    cluster.pass_seconds(5);
    bool done = false;
    a.registry.stop(a.clock(), [&done](Timestamp) { done = true; });
    cluster.pass(Duration::millis(2));
    CHECK(done);
    CHECK_FALSE(cluster.record("a"));
    const Timestamp stop = cluster.now;
    cluster.until([&] { return b.count("died a") == 1; });
    CHECK(cluster.now - stop <= Duration::seconds(5));
    cluster.pass_seconds(10);
    CHECK_FALSE(cluster.record("a"));
    CHECK_FALSE(a.registry.is_ready(cluster.now));

    cluster.server.stop(cluster.now);
    bool other = false;
    b.registry.stop(b.clock(), [&other](Timestamp) { other = true; });
    CHECK(other);
}

TEST_CASE("NodeRegistry: a killed node is told of within five seconds [NODE-24]") {
    for (std::int64_t phase = 0; phase < 2000; phase += 330) {
        Cluster cluster;
        std::vector<TestNode*> others;
        for (const char* id : {"b", "c", "d"})
            others.push_back(&cluster.add(id));
        cluster.pass(Duration::millis(phase));
        cluster.add("a");
        cluster.pass(Duration::seconds(30) + Duration::millis(phase * 3));
        for (TestNode* node : others) {
            CHECK(node->count("came a") == 1);
            CHECK_FALSE(has_died(*node));
        }
        cluster.kill("a");
        const Timestamp death = cluster.now;
        for (TestNode* node : others)
            cluster.until([&] { return node->count("died a") == 1; });
        CHECK(cluster.now - death <= Duration::millis(5010));
    }
}

TEST_CASE("NodeRegistry: clocks that are wrong [NODE-04]") {
    Cluster cluster;
    TestNode& a = cluster.add("a");
    TestNode& ahead = cluster.add("ahead", skewed(4000));
    TestNode& behind = cluster.add("behind", skewed(-4000));
    cluster.pass_seconds(120);
    for (TestNode* node : {&a, &ahead, &behind})
        CHECK_FALSE(has_died(*node));
    CHECK(a.count("skewed ahead") == 1);
    CHECK(a.count("skewed behind") == 1);
    CHECK(a.count("came ahead") == 1);
    CHECK(behind.count("skewed a") == 1);
    CHECK(behind.count("skewed ahead") == 1);
    CHECK(a.registry.table().snapshot().skewed == 2);
}

TEST_CASE("NodeRegistry: Redis is away, and all are back after it [NODE-14] [RDS-32]") {
    for (const std::int64_t seconds : {3, 60}) {
        Cluster cluster;
        std::vector<TestNode*> nodes;
        for (const char* id : {"a", "b", "c", "d"})
            nodes.push_back(&cluster.add(id));
        cluster.pass_seconds(10);
        for (TestNode* node : nodes)
            node->take_events();
        cluster.server.stop(cluster.now);
        cluster.pass_seconds(seconds);
        for (TestNode* node : nodes) {
            CHECK_FALSE(node->registry.is_ready(cluster.now));
            if (seconds > 4) CHECK_FALSE(node->registry.is_healthy(cluster.now));
        }
        cluster.server.start(cluster.now);
        const auto back = cluster.until([&] {
            return std::all_of(nodes.begin(), nodes.end(), [&](TestNode* node) {
                return node->registry.is_ready(cluster.now);
            });
        });
        CHECK(back <= Duration::millis(200));
        cluster.pass_seconds(30);
        for (TestNode* node : nodes) {
            CHECK_FALSE(has_died(*node));
            CHECK(node->registry.is_ready(cluster.now));
            if (seconds > 5) CHECK(node->count("away") == 1);
            CHECK(node->registry.table().snapshot().alive == 4);
        }
    }
}

TEST_CASE("NodeRegistry: Redis hangs [NODE-14]") {
    for (const std::int64_t ms : {500, 3000, 4500, 6000, 9000}) {
        CAPTURE(ms);
        Cluster cluster;
        std::vector<TestNode*> nodes;
        for (const char* id : {"a", "b", "c", "d", "e"}) {
            nodes.push_back(&cluster.add(id));
            cluster.pass(Duration::millis(370));
        }
        cluster.pass_seconds(10);
        cluster.server.hang(cluster.now);
        cluster.pass(Duration::millis(ms));
        cluster.server.go_on(cluster.now);
        cluster.pass_seconds(40);
        for (TestNode* node : nodes) {
            CHECK_FALSE(has_died(*node));
            CHECK(node->registry.is_ready(cluster.now));
            CHECK(node->registry.table().snapshot().alive == 5);
        }
    }
}

TEST_CASE("NodeRegistry: Redis is there again, empty [RDS-32]") {
    Cluster cluster;
    std::vector<TestNode*> nodes;
    for (const char* id : {"a", "b", "c"})
        nodes.push_back(&cluster.add(id));
    cluster.pass_seconds(10);
    SUBCASE("after a stop") {
        cluster.server.stop(cluster.now);
        cluster.server.store().clear();
        cluster.pass_seconds(2);
        cluster.server.start(cluster.now);
    }
    SUBCASE("under our feet") {
        cluster.server.store().clear();
    }
    cluster.pass(Duration::millis(2050));
    for (TestNode* node : nodes)
        CHECK(cluster.record(node->registry.id()));
    cluster.pass_seconds(30);
    for (TestNode* node : nodes) {
        CHECK_FALSE(has_died(*node));
        CHECK(node->count("lost") == 1);
        CHECK(node->registry.table().snapshot().alive == 3);
    }
}

TEST_CASE("NodeRegistry: Redis comes only after the node") {
    Cluster cluster;
    cluster.server.stop(cluster.now);
    TestNode& a = cluster.add("a");
    cluster.pass_seconds(20);
    CHECK_FALSE(a.registry.is_ready(cluster.now));
    CHECK(a.registry.health_text(a.clock()).starts_with("Not Ready\nNode Updated At 2026-11-"));
    cluster.server.start(cluster.now);
    cluster.pass(Duration::millis(200));
    CHECK(a.registry.is_ready(cluster.now));
    CHECK(a.take_events() == Words{"registered"});
    cluster.pass_seconds(5);
    CHECK(a.registry.is_ready(cluster.now));
}

TEST_CASE("NodeRegistry: a stopped process is dead to others, and back when it goes on [NODE-04]") {
    Cluster cluster;
    TestNode& a = cluster.add("a");
    TestNode& b = cluster.add("b");
    cluster.pass_seconds(10);
    a.frozen = true;
    cluster.pass_seconds(7);
    CHECK(b.count("died a") == 1);
    a.frozen = false;
    cluster.pass(Duration::millis(100));
    CHECK(a.count("away") == 1);
    CHECK_FALSE(has_died(a));
    cluster.pass_seconds(3);
    CHECK(b.count("came a") == 2);
    // A short one is nothing.
    a.frozen = true;
    cluster.pass(Duration::millis(2500));
    a.frozen = false;
    cluster.pass_seconds(5);
    CHECK(b.count("died a") == 1);
    CHECK(a.count("away") == 1);
}

TEST_CASE("NodeRegistry: whose system answers has its rooms when it goes on [NODE-24]") {
    Cluster cluster;
    TestNode& a = cluster.add("a");
    TestNode& b = cluster.add("b");
    cluster.pass_seconds(10);
    CHECK(b.place("room", "a") == "a");
    a.frozen = true;
    for (int i = 0; i < 14; ++i) {
        b.registry.note(cluster.now, "a", NodeTable::Sign::kStands);
        cluster.pass_seconds(1);
    }
    CHECK(b.count("stands a") == 1);
    CHECK(b.count("died a") == 0);
    CHECK(b.place("room") == "a");
    CHECK(b.place("new") == "b");
    a.frozen = false;
    cluster.pass_seconds(5);
    CHECK_FALSE(has_died(a));
    CHECK(a.conflicts.empty());
    CHECK(cluster.holder("room") == "a");
    CHECK(b.count("came a") == 1);
    CHECK(b.orphans.empty());
}

TEST_CASE("NodeRegistry: who stands still gets nothing new from 5 s on, not later [NODE-24]") {
    for (int phase = 0; phase < 2000; phase += 250) {
        Cluster cluster;
        TestNode& a = cluster.add("a");
        TestNode& b = cluster.add("b");
        cluster.pass(Duration::millis(10'000 + phase));
        a.frozen = true;
        Timestamp next_sign = cluster.now;
        const auto is_told = [&] {
            if (cluster.now >= next_sign) {
                b.registry.note(cluster.now, "a", NodeTable::Sign::kStands);
                next_sign = cluster.now + Duration::seconds(1);
            }
            return b.count("stands a") == 1;
        };
        (void)cluster.until(is_told);
        const NodeTable::Entry* entry = b.registry.table().find("a");
        REQUIRE(entry != nullptr);
        CHECK(cluster.now - entry->written <= NodeTable::kAlive + Duration::millis(20));
        CHECK(b.place("new") == "b");
    }
}

TEST_CASE("NodeRegistry: two nodes with one id [NODE-01]") {
    Cluster cluster;
    TestNode& a = cluster.add("a");
    cluster.pass_seconds(10);
    CHECK(a.count("taken") == 0);
    // Its twin: from outside, as one that started later.
    Cluster* world = &cluster;
    const auto twin = [world](const char* ip, std::int64_t started) {
        NodeRecord record;
        record.id = "a";
        record.ip = ip;
        record.stats.emplace().started_at = started;
        record.stats->updated_at = (world->wall0 + (world->now - Timestamp())).s();
        world->run({"HSET", kNodesKey, "a", write_record(record)});
    };
    SUBCASE("by its start") {
        twin("10.0.0.1", 1'795'161'999);
    }
    SUBCASE("by its address") {
        twin("10.0.0.2", 1'795'161'953);
    }
    for (int i = 0; i < 4 && a.count("taken") == 0; ++i) {
        cluster.pass_seconds(1);
        twin("10.0.0.2", 1'795'161'999);
    }
    cluster.pass_seconds(10);
    CHECK(a.count("taken") == 1);
    bool done = false;
    a.registry.stop(a.clock(), [&done](Timestamp) { done = true; });
    cluster.pass_seconds(1);
    CHECK(done);
    CHECK(cluster.record("a"));  // the other one's
}

TEST_CASE(
    "NodeRegistry: a node that starts with an id in use says nothing, and has to end [NODE-01]") {
    for (const std::int64_t phase : {0, 300, 1100, 1900}) {
        Cluster cluster;
        cluster.pass(Duration::millis(phase));
        // As the living one writes; and one that has ended.
        const auto write = [&cluster](const std::string& id) {
            NodeRecord record;
            record.id = id;
            record.ip = "10.0.0.2";
            record.stats.emplace().started_at = 1'795'161'000;
            record.stats->updated_at = (cluster.wall0 + (cluster.now - Timestamp())).s();
            cluster.run({"HSET", kNodesKey, id, write_record(record)});
        };
        write("a");
        write("b");
        cluster.pass(Duration::millis(700));
        TestNode& a = cluster.add("a");
        TestNode& b = cluster.add("b");
        for (int i = 0; i < 8; ++i) {
            cluster.pass(Duration::millis(1000));
            if (i % 2 == 0) write("a");
        }
        CHECK(a.count("in use") == 1);
        CHECK(a.count("registered") == 0);
        REQUIRE(cluster.record("a"));
        CHECK(cluster.record("a")->ip == "10.0.0.2");
        CHECK_FALSE(a.registry.is_ready(cluster.now));
        a.registry.stop(a.clock(), [](Timestamp) {});
        cluster.pass_seconds(5);
        CHECK(cluster.record("a"));  // the other one's
        // Its predecessor has ended: it waited for that, and is a node.
        CHECK(b.count("in use") == 0);
        CHECK(b.count("registered") == 1);
        CHECK(cluster.record("b")->ip == "10.0.0.1");
    }
}

TEST_CASE(
    "NodeRegistry: of two that start with one id at once, the one that was first stays [NODE-01]") {
    for (const bool ours_is_later : {false, true}) {
        Cluster cluster;
        TestNode& a = cluster.add("a");
        cluster.pass_seconds(1);
        REQUIRE(a.count("registered") == 1);
        NodeRecord twin = *cluster.record("a");
        twin.ip = "10.0.0.2";
        twin.stats->started_at += ours_is_later ? -1 : 1;
        cluster.run({"HSET", kNodesKey, "a", write_record(twin)});
        cluster.pass_seconds(3);
        CHECK(a.count("in use") == (ours_is_later ? 1 : 0));
        CHECK(a.count("taken") == (ours_is_later ? 0 : 1));
    }
    // Who has been there for long does not end because of what somebody writes.
    Cluster cluster;
    TestNode& a = cluster.add("a");
    cluster.pass_seconds(12);
    NodeRecord twin = *cluster.record("a");
    twin.stats->started_at -= 1;
    for (int i = 0; i < 10; ++i) {
        cluster.run({"HSET", kNodesKey, "a", write_record(twin)});
        cluster.pass(Duration::millis(300));
    }
    CHECK(a.count("in use") == 0);
    CHECK(a.count("taken") == 1);
}

TEST_CASE("NodeRegistry: at its start it removes the dead, and only those [RDS-31] [RDS-07]") {
    Cluster cluster;
    const auto put = [&](const std::string& id, std::int64_t age) {
        NodeRecord record;
        record.id = id;
        record.stats.emplace().updated_at = (cluster.wall0 + (cluster.now - Timestamp())).s() - age;
        cluster.run({"HSET", kNodesKey, id, write_record(record)});
    };
    cluster.pass_seconds(1);
    put("dead", 61);
    put("dying", 30);
    cluster.run({"HSET", kNodesKey, "junk", "garbage"});
    TestNode& slow = cluster.add("slow", skewed(-3600'000));
    cluster.pass_seconds(1);
    TestNode& a = cluster.add("a");
    cluster.pass(Duration::millis(400));
    CHECK(cluster.record("dead"));  // it may be alive, with a wrong clock
    cluster.pass_seconds(5);
    CHECK_FALSE(cluster.record("dead"));  // but nobody listens there
    cluster.pass_seconds(5);
    CHECK(cluster.record("dying"));
    CHECK(cluster.record("slow"));
    CHECK(slow.count("died a") == 0);
    CHECK(a.count("died slow") == 0);
    CHECK(a.registry.snapshot().removed + slow.registry.snapshot().removed == 1);
    CHECK(a.registry.table().snapshot().unreadable > 0);
}

TEST_CASE("NodeRegistry: a record of ours that somebody removes is back, and nobody dies of it") {
    Cluster cluster;
    TestNode& a = cluster.add("a");
    TestNode& b = cluster.add("b");
    cluster.pass_seconds(10);
    cluster.run({"HDEL", kNodesKey, "a"});
    cluster.pass(Duration::millis(2100));
    CHECK(cluster.record("a"));
    cluster.pass_seconds(10);
    CHECK(a.count("lost") == 1);
    CHECK_FALSE(has_died(b));
}

TEST_CASE("NodeRegistry: Redis refuses") {
    Cluster cluster;
    cluster.run({"SET", kNodesKey, "a text"});
    TestNode& a = cluster.add("a");
    cluster.pass_seconds(10);
    CHECK(a.take_events().empty());
    CHECK(a.registry.refused() > 3);
    CHECK(a.registry.refused() < 30);
    cluster.run({"DEL", kNodesKey});
    cluster.pass_seconds(2);
    CHECK(a.registry.is_ready(cluster.now));
}

TEST_CASE("NodeRegistry: the table is read a bounded number of times") {
    Cluster cluster;
    TestNode& a = cluster.add("a");
    cluster.pass_seconds(100);
    CHECK(cluster.server.count("HVALS") >= 50);
    CHECK(cluster.server.count("HVALS") <= 59);
    // Questions that come together share one reading.
    const auto before = cluster.server.count("HVALS");
    int answered = 0;
    for (int i = 0; i < 1000; ++i)
        a.registry.refresh(cluster.now, [&answered](Timestamp) { ++answered; });
    cluster.pass(Duration::millis(300));
    CHECK(answered == 1000);
    CHECK(cluster.server.count("HVALS") <= before + 2);
    // Nobody waits for ever.
    cluster.server.stop(cluster.now);
    a.registry.refresh(cluster.now, [&answered](Timestamp) { ++answered; });
    cluster.pass_seconds(2);
    CHECK(answered == 1001);
}

}  // namespace confab::cluster::nodes
