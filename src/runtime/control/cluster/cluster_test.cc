// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whole nodes that share a Redis behind a socket: what each knows of the others, clients of one in
// rooms of another, and Redis away for a while.
#include "runtime/control/cluster/cluster.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "livekit_models.pb.h"
#include "runtime/control/cluster/cluster_node_testing.h"

namespace confab::control {
namespace {

using Response = livekit::SignalResponse;

// A room that is not yet, for that node.
void place(MemoryRedis& redis, const std::string& room, const std::string& node) {
    (void)redis.run({"HSET", "room_node_map", room, node});
}

std::string node_of(MemoryRedis& redis, const std::string& room) {
    return redis.run({"HGET", "room_node_map", room}).text;
}

livekit::NodeState state_of(MemoryRedis& redis, const std::string& node) {
    livekit::Node record;
    REQUIRE(record.ParseFromString(redis.run({"HGET", "nodes", node}).text));
    return record.state();
}

// The error of a start that does not get as far as having rooms, and how long it took.
std::pair<std::string, Duration> fail_to_connect(ClusterOptions options) {
    net::EventLoop loop;
    telemetry::Metrics metrics("ND_test");
    const Timestamp began = net::EventLoop::now();
    const auto cluster = Cluster::connect(loop, metrics, std::move(options));
    REQUIRE_FALSE(cluster);
    return {cluster.error(), net::EventLoop::now() - began};
}

}  // namespace

TEST_CASE("Cluster: a start without Redis says where it is not, in time [RDS-30] [CFG-07]") {
    CHECK(ClusterOptions().connect_patience == Duration::seconds(10));
    constexpr Duration kPatience =
        Duration::seconds(1);  // a slow machine has been answered by then
    MemoryRedis redis;
    redis.stop();
    ClusterOptions options = cluster_options_of("ND_a", redis.port(), 1);
    options.connect_patience = kPatience;
    const auto [error, took] = fail_to_connect(std::move(options));
    CHECK(error.starts_with("no connection to Redis (127.0.0.1:" + std::to_string(redis.port()) +
                            "): "));
    CHECK_FALSE(error.ends_with(": "));
    CHECK(took >= kPatience);
    CHECK(took < Duration::seconds(8));

    redis.start();
    for (const int connections : {0, 1}) {  // of the two that it takes
        redis.allow_logins(connections);
        options = cluster_options_of("ND_a", redis.port(), 1);
        options.connect_patience = kPatience;
        CHECK(fail_to_connect(std::move(options)).first.find("redis.password is wrong") !=
              std::string::npos);
    }

    options = cluster_options_of("ND_a", redis.port(), 1);
    options.driver.tls.enabled = true;
    options.driver.tls.ca_pem = "no certificate";
    CHECK(fail_to_connect(std::move(options)).first.starts_with("redis.tls.ca_cert_file"));
}

TEST_CASE("Cluster: a Redis that comes while a start waits is in time [RDS-30]") {
    MemoryRedis redis;
    redis.stop();
    const auto later = std::async(std::launch::async, [&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        redis.start();
    });
    const ClusterNode node(redis, "ND_a", false);  // REQUIREs that it comes about
}

TEST_CASE("Cluster: before it has rooms a node is none of the others [NODE-02]") {
    MemoryRedis redis;
    ClusterNode node(redis, "ND_a", false);
    CHECK(node.call([](Cluster& cluster) { return cluster.snapshot().connected; }));
    CHECK_FALSE(node.call([](Cluster& cluster) { return cluster.is_ready(); }));
    CHECK(redis.with([](redis::testing::Server& server) { return server.store.hash("nodes"); }) ==
          nullptr);
    bool closed = false;
    node.call([&](Cluster& cluster) {
        cluster.drain();
        cluster.turn(net::EventLoop::now());
        cluster.close([&] { closed = true; });
    });
    CHECK(closed);
}

TEST_CASE("Cluster: a node that is not heard yet is not seen [PSR-20] [RDS-31]") {
    MemoryRedis redis;
    redis.hold_channels();
    ClusterNode a(redis, "ND_a");
    const auto polls = [&] {
        return redis.with([](redis::testing::Server& server) { return server.count("HVALS"); });
    };
    // It reads who else is there, again and again, and does not say that it is.
    for (int i = 0; i < 1000 && polls() < 2; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(polls() >= 2);
    CHECK(redis.run({"HEXISTS", "nodes", "ND_a"}).integer == 0);
    redis.answer_channels();
    CHECK(redis.has("nodes", "ND_a"));
    CHECK(a.eventually([](Cluster& cluster) { return cluster.is_ready(); }));
}

TEST_CASE("Cluster: nodes register, see each other, drain and go [NODE-02] [NODE-04] [OPS-01]") {
    MemoryRedis redis;
    ClusterNode a(redis, "ND_a");
    REQUIRE(redis.has("nodes", "ND_a"));
    CHECK(state_of(redis, "ND_a") == livekit::SERVING);
    CHECK(a.eventually([](Cluster& cluster) { return cluster.is_ready(); }));
    {
        ClusterNode b(redis, "ND_b");
        CHECK(a.sees_nodes(2));
        CHECK(b.sees_nodes(2));
        a.call([](Cluster& cluster) { cluster.drain(); });
        CHECK(redis.eventually([&](const redis::MemoryStore& store) {
            livekit::Node record;
            return record.ParseFromString(store.hash("nodes")->find("ND_a")->second) &&
                   record.state() == livekit::SHUTTING_DOWN;
        }));
        // Once it is read again, new rooms go to others.
        std::this_thread::sleep_for(std::chrono::seconds(2));
        for (const char* room : {"r1", "r2", "r3", "r4", "r5", "r6"}) {
            ClusterClient ann(a, room, "ann");
            CHECK(ann.is_in());
            CHECK(node_of(redis, room) == "ND_b");
        }
        CHECK(b.call([](Cluster& cluster) { return cluster.snapshot().rooms; }) == 6);

        std::promise<void> closed;
        b.call([&](Cluster& cluster) { cluster.close([&] { closed.set_value(); }); });
        REQUIRE(closed.get_future().wait_for(std::chrono::seconds(5)) == std::future_status::ready);
        CHECK(redis.has("nodes", "ND_b", false));
    }
    CHECK(a.sees_nodes(1));
}

TEST_CASE("Cluster: a client of one node in a room of another [NODE-10] [RPC-01] [RDS-02]") {
    MemoryRedis redis;
    ClusterNode a(redis, "ND_a");
    ClusterNode b(redis, "ND_b");
    REQUIRE(a.sees_nodes(2));
    place(redis, "r", "ND_b");
    ClusterClient ann(a, "r", "ann");
    REQUIRE(ann.is_in());
    ClusterClient bob(b, "r", "bob");
    REQUIRE(bob.is_in());
    CHECK(ann.hears_of("bob"));
    CHECK(ann.is_served(1));
    const auto of_a = a.call([](Cluster& cluster) { return cluster.snapshot(); });
    const auto of_b = b.call([](Cluster& cluster) { return cluster.snapshot(); });
    CHECK(of_a.relayed_out == 1);
    CHECK(of_a.relayed_in == 0);
    CHECK(of_a.rooms == 0);
    CHECK(of_b.relayed_out == 0);
    CHECK(of_b.relayed_in == 1);
    CHECK(of_b.rooms == 1);
    // All nodes can read of it.
    CHECK(redis.has("rooms", "r"));
    CHECK(redis.has("room_participants:r", "ann"));
    CHECK(redis.has("room_participants:r", "bob"));
    livekit::SignalRequest leave;
    leave.mutable_leave();
    ann.send(leave);
    CHECK(ann.close_code() == 1000);
    CHECK(redis.has("room_participants:r", "ann", false));
    CHECK(a.eventually([](Cluster& cluster) { return cluster.snapshot().relayed_out == 0; }));
}

TEST_CASE("Cluster: a node is asked by others for rooms [RPC-02] [NODE-11] [RPC-33]") {
    MemoryRedis redis;
    ClusterNode a(redis, "ND_a");
    ClusterNode b(redis, "ND_b");
    REQUIRE(a.sees_nodes(2));
    livekit::CreateRoomRequest create;
    create.set_name("made");
    create.set_node_id("ND_b");
    create.set_metadata("m");
    const auto made = a.ask(&api::RoomServicePort::create_room, create);
    REQUIRE(made);
    CHECK(made->metadata() == "m");
    CHECK(node_of(redis, "made") == "ND_b");
    CHECK(b.eventually([](Cluster& cluster) { return cluster.snapshot().rooms == 1; }));
    const auto is_here = [](ClusterNode& node) {
        auto answer = std::make_shared<std::promise<bool>>();
        node.call([&](Cluster& cluster) {
            cluster.check_here("made", [answer](bool here) { answer->set_value(here); });
        });
        return answer->get_future().get();
    };
    CHECK_FALSE(is_here(a));
    CHECK(is_here(b));
    livekit::DeleteRoomRequest over;
    over.set_room("made");
    CHECK(a.ask(&api::RoomServicePort::delete_room, over));
    CHECK(redis.has("rooms", "made", false));
    CHECK(redis.has("room_node_map", "made", false));
    CHECK(b.eventually([](Cluster& cluster) { return cluster.snapshot().rooms == 0; }));
}

TEST_CASE("Cluster: without Redis calls go on, and it is told afterwards [NODE-14] [RDS-30]") {
    MemoryRedis redis;
    ClusterNode a(redis, "ND_a");
    REQUIRE(a.eventually([](Cluster& cluster) { return cluster.is_ready(); }));
    ClusterClient ann(a, "r", "ann");
    REQUIRE(ann.is_in());
    REQUIRE(redis.has("room_participants:r", "ann"));
    redis.stop();
    REQUIRE(a.eventually([](Cluster& cluster) { return !cluster.snapshot().connected; }));
    CHECK_FALSE(a.call([](Cluster& cluster) { return cluster.is_ready(); }));
    CHECK(ann.is_served(1));
    ClusterClient bob(a, "r", "bob");  // of a room that is here
    CHECK(bob.is_in());
    ClusterClient cleo(a, "new", "cleo");  // and of one that may be
    CHECK(cleo.is_in());
    redis.with([](redis::testing::Server& server) { server.store.clear(); });
    redis.start();
    CHECK(redis.has("nodes", "ND_a"));
    CHECK(redis.has("room_participants:r", "ann"));
    CHECK(redis.has("room_participants:r", "bob"));
    CHECK(redis.has("room_participants:new", "cleo"));
    CHECK(redis.has("room_node_map", "r"));
    CHECK(redis.has("room_node_map", "new"));
    CHECK(a.eventually([](Cluster& cluster) { return cluster.is_ready(); }));
    CHECK(ann.is_served(2));
}

TEST_CASE("Cluster: a moment without Redis is made up for, though nothing was lost [RDS-30]") {
    MemoryRedis redis;
    ClusterNode a(redis, "ND_a");
    ClusterClient ann(a, "r", "ann");
    REQUIRE(ann.is_in());
    REQUIRE(redis.has("room_participants:r", "ann"));
    redis.stop();
    REQUIRE(a.eventually([](Cluster& cluster) { return !cluster.snapshot().connected; }));
    {
        ClusterClient bob(a, "r", "bob");
        REQUIRE(bob.is_in());
        livekit::SignalRequest leave;
        leave.mutable_leave();
        ann.send(leave);
        CHECK(ann.close_code() == 1000);
        redis.start();
        CHECK(redis.has("room_participants:r", "bob"));
        CHECK(redis.has("room_participants:r", "ann", false));
    }
    CHECK(redis.has("room_participants:r", "bob", false));
}

TEST_CASE("Cluster: channels are there again after Redis was away [RDS-30] [NODE-14]") {
    MemoryRedis redis;
    ClusterNode a(redis, "ND_a");
    ClusterNode b(redis, "ND_b");
    REQUIRE(a.sees_nodes(2));
    place(redis, "r", "ND_b");
    ClusterClient ann(a, "r", "ann");
    REQUIRE(ann.is_in());
    redis.stop();
    REQUIRE(a.eventually([](Cluster& cluster) { return !cluster.snapshot().connected; }));
    REQUIRE(b.eventually([](Cluster& cluster) { return !cluster.snapshot().connected; }));
    redis.start();
    CHECK(ann.is_served(1));  // within retry_timeout
    ClusterClient bob(a, "r", "bob");
    CHECK(bob.is_in());
}

TEST_CASE("Cluster: clients of a node that died are told at once what to do [NODE-24]") {
    MemoryRedis redis;
    ClusterNode a(redis, "ND_a");
    auto b = std::make_unique<ClusterNode>(redis, "ND_b");
    REQUIRE(a.sees_nodes(2));
    place(redis, "r", "ND_b");
    ClusterClient ann(a, "r", "ann");
    REQUIRE(ann.is_in());
    REQUIRE(redis.has("rooms", "r"));
    b->end();
    (void)redis.run({"HDEL", "nodes", "ND_b"});
    CHECK(a.sees_nodes(1));
    const auto leave = ann.wait(Response::kLeave).leave();
    CHECK(leave.reason() == livekit::STATE_MISMATCH);
    CHECK(leave.action() == livekit::LeaveRequest::RECONNECT);
    CHECK(ann.close_code() == 1000);
    ClusterClient again(a, "r", "ann");
    CHECK(again.is_in());
    CHECK(node_of(redis, "r") == "ND_a");
}

TEST_CASE("Cluster: the end does not wait for a Redis that is away [NODE-04] [NODE-14]") {
    MemoryRedis redis;
    ClusterNode a(redis, "ND_a");
    REQUIRE(redis.has("nodes", "ND_a"));
    redis.stop();
    REQUIRE(a.eventually([](Cluster& cluster) { return !cluster.snapshot().connected; }));
    ClusterClient ann(a, "r", "ann");  // of which Redis has still to be told
    REQUIRE(ann.is_in());
    const Timestamp began = net::EventLoop::now();
    std::promise<void> closed;
    a.call([&](Cluster& cluster) { cluster.close([&] { closed.set_value(); }); });
    REQUIRE(closed.get_future().wait_for(std::chrono::seconds(9)) == std::future_status::ready);
    CHECK(net::EventLoop::now() - began >= Cluster::kFlushPatience);
}

TEST_CASE(
    "Cluster: tokens that one node revoked are refused by all, and by those that come later "
    "[TOK-14]") {
    MemoryRedis redis;
    ClusterNode a(redis, "ND_a");
    ClusterNode b(redis, "ND_b");
    REQUIRE(a.sees_nodes(2));
    REQUIRE(b.sees_nodes(2));
    const std::string path = a.join_path("r", "ann");
    const auto validate = [&path](const ClusterNode& node) {
        net::RawClient client(node.port());
        std::string asked = path;
        asked.replace(0, 4, "/rtc/validate");
        client.send("GET " + asked + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        return client.read_to_end();
    };
    livekit::RoomParticipantIdentity who;
    who.set_room("r");
    who.set_identity("ann");
    who.set_revoke_token_ts(net::EventLoop::wall().s() + 30);
    CHECK_FALSE(b.ask(&api::RoomServicePort::remove_participant, who));  // nobody there
    const auto knows = [](ClusterNode& node) {
        return node.eventually([&](Cluster&) { return node.control().revocations().size() == 1; });
    };
    CHECK(knows(a));
    CHECK(knows(b));
    for (const ClusterNode* node : {&a, &b})
        CHECK(validate(*node).starts_with("HTTP/1.1 401 "));
    b.end();
    a.end();
    ClusterNode c(redis, "ND_c");
    CHECK(knows(c));
    CHECK(validate(c).starts_with("HTTP/1.1 401 "));
}

}  // namespace confab::control
