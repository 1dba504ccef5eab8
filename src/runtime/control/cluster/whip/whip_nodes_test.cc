// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whole nodes that share a Redis: HTTP at one, the room at another.
#include <doctest/doctest.h>

#include <string>

#include "api/whip/whip_testing.h"
#include "runtime/control/cluster/cluster_node_testing.h"

namespace confab::control {
namespace {

constexpr const char* kFragment = "Content-Type: application/trickle-ice-sdpfrag\r\n";
constexpr const char* kCandidate = "a=mid:0\r\na=candidate:9 1 udp 1 192.0.2.9 9 typ host\r\n";
constexpr const char* kRestart = "a=ice-ufrag:efgh\r\na=ice-pwd:a-new-password-of-22-c\r\n";

struct World {
    MemoryRedis redis;
    ClusterNode a{redis, "ND_a"};
    ClusterNode b{redis, "ND_b"};

    World() {
        REQUIRE(a.sees_nodes(2));
        REQUIRE(b.sees_nodes(2));
        (void)redis.run({"HSET", "room_node_map", "r", "ND_a"});
    }
    static std::string ask(const ClusterNode& node, std::string_view method,
                           const std::string& path, const std::string& headers,
                           const std::string& body = "", const std::string& identity = "encoder") {
        net::RawClient client(node.port());
        client.send(std::string(method) + " " + path +
                    " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " +
                    node.token("r", identity) + "\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body);
        return client.read_to_end();
    }
    static std::string post(const ClusterNode& node, const std::string& headers = "",
                            const std::string& body = api::testing::offer()) {
        return ask(node, "POST", "/whip/v1", "Content-Type: application/sdp\r\n" + headers, body);
    }
    static std::string header(const std::string& response, const std::string& name) {
        const std::size_t at = response.find("\r\n" + name + ": ");
        REQUIRE(at != std::string::npos);
        const std::size_t begin = at + name.size() + 4;
        return response.substr(begin, response.find("\r\n", begin) - begin);
    }
    std::size_t sessions(ClusterNode& node) {
        return node.call([&](Cluster&) { return node.control().first().whip().size(); });
    }
};

}  // namespace

TEST_CASE(
    "WHIP in a cluster: a client of one node publishes in a room of another [RPC-23] [RPC-24] "
    "[CON-60] [CON-61]") {
    World world;
    const std::string created = World::post(world.b);
    REQUIRE(created.starts_with("HTTP/1.1 201 "));
    CHECK(created.find("a=candidate:") != std::string::npos);
    CHECK(world.sessions(world.a) == 1);
    CHECK(world.sessions(world.b) == 0);
    CHECK(world.redis.has("room_participants:r", "encoder"));
    const std::string location = World::header(created, "Location");
    const std::string tag = World::header(created, "ETag");
    CHECK(location.starts_with("/whip/v1/PA_"));

    const auto patch = [&](const ClusterNode& node, const std::string& match, const char* body) {
        return World::ask(node, "PATCH", location, kFragment + match, body);
    };
    const std::string matching = "If-Match: " + tag + "\r\n";
    CHECK(patch(world.b, matching, kCandidate).starts_with("HTTP/1.1 204 "));
    CHECK(patch(world.a, matching, kCandidate).starts_with("HTTP/1.1 204 "));
    CHECK(patch(world.b, "", kCandidate).starts_with("HTTP/1.1 428 "));
    CHECK(patch(world.b, matching, "hello").starts_with("HTTP/1.1 400 "));
    const std::string mismatch = patch(world.b, "If-Match: other\r\n", kCandidate);
    CHECK(mismatch.starts_with("HTTP/1.1 500 "));
    CHECK(mismatch.find("ice session mismatch, expected: " + tag + ", got: other") !=
          std::string::npos);
    const std::string restarted = patch(world.b, "If-Match: *\r\n", kRestart);
    CHECK(restarted.starts_with("HTTP/1.1 200 "));
    CHECK(restarted.find("a=ice-ufrag:" + World::header(restarted, "ETag")) != std::string::npos);

    CHECK(World::ask(world.b, "DELETE", location, "", "", "nobody").starts_with("HTTP/1.1 404 "));
    CHECK(World::ask(world.b, "DELETE", location, "").starts_with("HTTP/1.1 200 "));
    CHECK(world.sessions(world.a) == 0);
    CHECK(world.redis.has("room_participants:r", "encoder", false));
    CHECK(World::ask(world.b, "DELETE", location, "").starts_with("HTTP/1.1 404 "));
}

TEST_CASE("WHIP in a cluster: what the room refuses is said by the other node [RPC-23] [CON-62]") {
    World world;
    const std::string viewer = std::string(api::testing::kSession) +
                               api::testing::audio("0", "a=recvonly\r\n") +
                               api::testing::video("1", "a=recvonly\r\n");
    const std::string refused =
        World::post(world.b,
                    "X-LiveKit-ClientInfo: "
                    "{\"subscribedParticipantTrackNames\":{\"alice\":[\"tone\"]}}\r\n",
                    viewer);
    CHECK(refused.starts_with("HTTP/1.1 503 "));
    CHECK(refused.find("tracks to subscribe to are not published: alice/tone") !=
          std::string::npos);
    CHECK(world.sessions(world.a) == 0);
    CHECK(World::post(world.b, "", "hello").starts_with("HTTP/1.1 400 "));
}

TEST_CASE("WHIP in a cluster: a session made at its room's node is changed by another [RPC-24]") {
    World world;
    const std::string created = World::post(world.a);
    REQUIRE(created.starts_with("HTTP/1.1 201 "));
    CHECK(world.redis.has("room_participants:r", "encoder"));
    CHECK(World::ask(world.b, "DELETE", World::header(created, "Location"), "")
              .starts_with("HTTP/1.1 200 "));
    CHECK(world.sessions(world.a) == 0);
}

TEST_CASE(
    "WHIP in a cluster: the room's node has died: 503, and a new node has the room soon "
    "[RPC-23] [NODE-24]") {
    World world;
    REQUIRE(World::post(world.b).starts_with("HTTP/1.1 201 "));
    world.a.end();
    const std::string first = World::post(world.b);
    CHECK(first.starts_with("HTTP/1.1 503 "));
    std::string again;
    for (int i = 0; i < 150 && !again.starts_with("HTTP/1.1 201 "); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        again = World::post(world.b);
    }
    CAPTURE(again);
    CHECK(again.starts_with("HTTP/1.1 201 "));
    CHECK(world.sessions(world.b) == 1);
}

}  // namespace confab::control
