// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sessions of this node's shards whose clients are at another node.
#include "runtime/control/cluster/relayed_sessions.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "runtime/control/cluster/relayed_nodes_testing.h"
#include "runtime/control/request_budget.h"

namespace confab::control {
namespace {

using Response = livekit::SignalResponse;

RelayedNodes::Options with_shards(std::size_t shards) {
    RelayedNodes::Options options;
    options.shards = shards;
    return options;
}

}  // namespace

TEST_CASE("RelayedSessions: rooms of every shard, and their messages in order [NODE-21]") {
    RelayedNodes nodes(with_shards(2));
    for (const std::size_t shard : {0U, 1U}) {
        CAPTURE(shard);
        const std::string room = nodes.rooms().room_in(shard);
        RelayedClient ann(nodes, "/" + room + "/ann");
        REQUIRE(ann.join().participant().identity() == "ann");
        CHECK(nodes.call([&] { return nodes.checked.back(); }) == room);
        CHECK(nodes.rooms().call_in(shard, [](ControlPlane& plane) {
            return plane.rooms().snapshot().sessions;
        }) == 1);
        for (std::int64_t i = 1; i <= 150; ++i)
            ann.ping(i);
        for (std::int64_t i = 1; i <= 150; ++i)
            REQUIRE(ann.wait(Response::kPongResp).pong_resp().last_ping_timestamp() == i);
        livekit::SignalRequest leave;
        leave.mutable_leave();
        ann.send(leave);
        CHECK(ann.close_code() == 1000);
        CHECK(nodes.is_empty());
    }
}

TEST_CASE("RelayedSessions: all that the start said reaches the room [NODE-22]") {
    RelayedNodes::Options options;
    options.join = [](api::JoinParams& params) {
        params.grants.name = "Ann";
        params.grants.metadata = "m";
        params.grants.attributes["a"] = "b";
        params.client.set_sdk(livekit::ClientInfo::GO);
        params.client.set_version("9.9");
        params.single_peer_connection = true;
        params.auto_subscribe = false;
        params.add_track_requests.emplace_back().set_cid("cid");
        params.add_track_requests.back().set_type(livekit::AUDIO);
    };
    RelayedNodes nodes(std::move(options));
    RelayedClient ann(nodes, "/r/ann");
    const auto join = ann.join();
    CHECK(join.participant().name() == "Ann");
    CHECK(join.participant().metadata() == "m");
    CHECK(join.participant().attributes().at("a") == "b");
    CHECK(ann.wait(Response::kTrackPublished).track_published().cid() == "cid");
}

TEST_CASE("RelayedSessions: a room that is on another node by now [NODE-10] [NODE-20]") {
    RelayedNodes nodes;
    nodes.call([&] { nodes.is_here = false; });
    RelayedClient ann(nodes, "/r/ann");
    CHECK(ann.head().starts_with("HTTP/1.1 409 "));
    CHECK(ann.raw().read_until("now").ends_with("the room is on another node by now"));
    CHECK(nodes.is_empty());
    nodes.call([&] {
        CHECK(nodes.checked.size() == 3);  // connect_attempts, each with a question of its own
        CHECK(nodes.placement.asked == 3);
        CHECK(nodes.signal().snapshot().attempts == 3);
    });
    CHECK(nodes.has_sessions(0));
}

TEST_CASE(
    "RelayedSessions: a node at its limit refuses at once, and whoever is there stays "
    "[NODE-12] [CON-32]") {
    RelayedNodes nodes;
    RelayedClient ann(nodes, "/r/ann");
    const std::string sid = ann.join().participant().sid();
    nodes.call([&] { nodes.is_full = true; });
    RelayedClient bob(nodes, "/r/bob");
    CHECK(bob.head().starts_with("HTTP/1.1 503 "));
    CHECK(bob.raw().read_until("limit").ends_with("node has exceeded its configured limit"));
    CHECK(nodes.call([&] { return nodes.signal().snapshot().attempts; }) == 2);  // one of each
    RelayedClient again(nodes, "/r/ann/" + sid);                                 // resumes
    CHECK(again.head().starts_with("HTTP/1.1 101 "));
    CHECK(again.is_served(1));
    nodes.call([&] { nodes.is_full = false; });
    RelayedClient carl(nodes, "/r/carl");
    CHECK(carl.join().participant().identity() == "carl");
}

TEST_CASE("RelayedSessions: a token that was revoked is refused here, too [TOK-14]") {
    RelayedNodes nodes;
    nodes.rooms().call([](ControlNode& node) {
        const UnixTime now = net::EventLoop::wall();
        (void)node.revocations().revoke("r", "ann", now, now);
    });
    RelayedClient ann(nodes, "/r/ann");
    CHECK(ann.head().starts_with("HTTP/1.1 401 "));
    CHECK(ann.raw().read_until("revoked").ends_with("token was revoked"));
    CHECK(nodes.call([&] { return nodes.signal().snapshot().attempts; }) == 1);
    RelayedClient bob(nodes, "/r/bob");
    CHECK(bob.join().participant().identity() == "bob");
}

TEST_CASE("RelayedSessions: statuses of the room are those that the client sees [CON-33]") {
    struct Case {
        const char* room;
        int status;
    };
    RelayedNodes::Options options;
    options.shards = 2;
    options.adjust = [](TestNode::Settings& settings) {
        settings.control.room.limits.metadata = 10;
        settings.control.room.room.max_participants = 1;
    };
    options.join = [](api::JoinParams& params) {
        if (params.grants.identity == "large") params.grants.metadata.assign(11, 'm');
        params.room_must_exist = params.grants.identity == "late";
    };
    RelayedNodes nodes(std::move(options));
    for (const std::size_t shard : {0U, 1U}) {
        CAPTURE(shard);
        const std::string room = nodes.rooms().room_in(shard);
        RelayedClient late(nodes, "/" + room + "/late");
        CHECK(late.head().starts_with("HTTP/1.1 404 "));
        RelayedClient large(nodes, "/" + room + "/large");
        CHECK(large.head().starts_with("HTTP/1.1 500 "));
        RelayedClient ann(nodes, "/" + room + "/ann");
        REQUIRE(ann.join().has_participant());
        RelayedClient bob(nodes, "/" + room + "/bob");
        CHECK(bob.head().starts_with("HTTP/1.1 403 "));
    }
    CHECK(nodes.is_empty());
    CHECK(nodes.call([&] { return nodes.signal().snapshot().attempts; }) == 8);  // no second ones
}

TEST_CASE("RelayedSessions: who is gone before the room was checked begins no session [NODE-10]") {
    RelayedNodes nodes;
    nodes.call([&] { nodes.holds_checks = true; });
    auto ann = std::make_unique<RelayedClient>(nodes, "/r/ann");
    REQUIRE(nodes.eventually([&] { return nodes.held.size() == 1; }));
    CHECK(nodes.call([&] { return nodes.relayed().size(); }) == 1);
    ann.reset();
    CHECK(nodes.is_empty());
    nodes.call([&] { nodes.held[0](true); });
    CHECK(nodes.is_empty());
    CHECK(nodes.rooms().call_in(
              0, [](ControlPlane& plane) { return plane.rooms().snapshot().rooms; }) == 0);
}

TEST_CASE("RelayedSessions: the node of the clients died, and so did their sessions [NODE-24]") {
    RelayedNodes nodes(with_shards(2));
    RelayedClient ann(nodes, "/" + nodes.rooms().room_in(0) + "/ann");
    RelayedClient bob(nodes, "/" + nodes.rooms().room_in(1) + "/bob");
    ann.join();
    bob.join();
    REQUIRE(nodes.has_sessions(2));
    nodes.call([&] { nodes.media().node_died("ND_other"); });
    CHECK(ann.is_served(1));
    nodes.call([&] { nodes.media().node_died("ND_signal"); });
    CHECK(nodes.has_sessions(0));
    CHECK(nodes.eventually([&] { return nodes.relayed().size() == 0; }));
}

TEST_CASE("RelayedSessions: a flood is taken no faster than others may be sent [IMM-15]") {
    constexpr int kSize = 60'000;
    constexpr int kCount = 45;
    RelayedNodes nodes(with_shards(2));
    for (const std::size_t shard : {0U, 1U}) {
        CAPTURE(shard);
        const std::string room = nodes.rooms().room_in(shard);
        RelayedClient ann(nodes, "/" + room + "/ann");
        RelayedClient bob(nodes, "/" + room + "/bob");
        ann.join();
        bob.join();
        const Timestamp began = net::EventLoop::now();
        for (int i = 0; i < kCount; ++i)
            ann.send_metadata(std::string(kSize, static_cast<char>('a' + i % 26)));
        CHECK(ann.is_served(1));  // nothing is lost, and nobody cut
        // A slow machine only takes longer.
        const std::int64_t owed = std::int64_t{kCount} * kSize - RequestBudget::kBurst;
        CHECK((net::EventLoop::now() - began).us() >= owed * 1'000'000 / RequestBudget::kPerSecond);
        CHECK(bob.is_served(2));
    }
}

TEST_CASE("RelayedSessions: before a shard that hangs only so much waits [IMM-15] [NODE-21]") {
    RelayedNodes nodes(with_shards(2));
    RelayedClient ann(nodes, "/" + nodes.rooms().room_in(1) + "/ann");
    RelayedClient bob(nodes, "/" + nodes.rooms().room_in(0) + "/bob");
    ann.join();
    bob.join();
    HungShard hung(nodes.rooms(), 1);
    for (std::int64_t i = 1; i <= 100; ++i)
        ann.ping(i);
    CHECK(bob.is_served(1));  // behind those: the same bus
    CHECK(nodes.call([&] { return nodes.relayed().size(); }) == 2);
    for (std::size_t i = 0; i <= cluster::relay::kMaxReceived; ++i)
        ann.ping(1);
    CHECK(ann.wait(Response::kLeave).leave().action() == livekit::LeaveRequest::RESUME);
    CHECK(ann.close_code() == 1000);
    hung.open();
    CHECK(nodes.has_sessions(1));
    CHECK(bob.is_served(2));
    CHECK(nodes.eventually([&] { return nodes.relayed().size() == 1; }));
}

TEST_CASE("RelayedSessions: what a shard says after the end of all goes nowhere") {
    RelayedNodes nodes(with_shards(2));
    RelayedClient ann(nodes, "/" + nodes.rooms().room_in(0) + "/ann");
    RelayedClient bob(nodes, "/" + nodes.rooms().room_in(1) + "/bob");
    ann.join();
    bob.join();
    nodes.call([&] { nodes.end_media(); });
    CHECK(ann.close_code() == 1000);
    CHECK(bob.close_code() == 1000);
    for (const std::size_t shard : {0U, 1U})
        nodes.rooms().call_in(shard, [](ControlPlane& plane) {
            plane.shut_down();
            return 0;
        });
    CHECK(nodes.has_sessions(0));
    CHECK(nodes.eventually([&] { return nodes.backend().size() == 0; }));
}

}  // namespace confab::control
