// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/heartbeat.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "rpc/local_bus.h"
#include "rpc_keepalive.pb.h"

namespace confab::cluster::nodes {
namespace {

struct Loop {
    Loop() { heartbeat.begin(now); }
    Clock clock() const { return {now, UnixTime::seconds(1'795'161'954) + (now - Timestamp())}; }
    void pass(Duration time) { now = now + time; }

    Timestamp now;
    rpc::LocalHub hub;
    rpc::LocalBus bus{hub, "n"};
    Heartbeat heartbeat{bus, "ND_a", Duration::seconds(2)};
};

constexpr rpc::Method kPing{"Keepalive", "Ping", rpc::Flow::kPublish};

}  // namespace

TEST_CASE("Heartbeat: a ping every two seconds, which comes back [NODE-02] [RPC-22] [RPC-34]") {
    Loop loop;
    std::vector<std::string> said;
    const auto listener = loop.bus.subscribe(
        kPing, {"ND_a"}, [&said](const std::string& text) { said.push_back(text); });
    CHECK(loop.heartbeat.next_deadline() == loop.now + Duration::seconds(2));
    loop.heartbeat.handle_timeout(loop.clock());  // too early
    loop.hub.handle_timeout(loop.now);
    CHECK(said.empty());
    loop.pass(Duration::seconds(2));
    loop.heartbeat.handle_timeout(loop.clock());
    CHECK_FALSE(loop.heartbeat.take_receipt(loop.now));
    loop.hub.handle_timeout(loop.now);
    REQUIRE(said.size() == 1);
    CHECK(said[0] == std::string("\x08\xe4\xfe\xff\xd7\x06"));  // as livekit-server's at 1795161956
    CHECK(loop.heartbeat.next_deadline() < loop.now);
    CHECK(loop.heartbeat.take_receipt(loop.now));
    CHECK_FALSE(loop.heartbeat.take_receipt(loop.now));
    CHECK(loop.heartbeat.next_deadline() == loop.now + Duration::seconds(2));
}

TEST_CASE("Heartbeat: what comes back late, or was never sent, is no receipt [NODE-02]") {
    Loop loop;
    loop.pass(Duration::seconds(2));
    loop.heartbeat.handle_timeout(loop.clock());
    loop.hub.handle_timeout(loop.now);
    SUBCASE("late") {
        loop.pass(Duration::seconds(2) + Duration::micros(1));
        CHECK_FALSE(loop.heartbeat.take_receipt(loop.now));
        CHECK(loop.heartbeat.late() == 1);
    }
    SUBCASE("just in time") {
        loop.pass(Duration::seconds(2));
        CHECK(loop.heartbeat.take_receipt(loop.now));
    }
    SUBCASE("of others") {
        CHECK(loop.heartbeat.take_receipt(loop.now));
        ::rpc::KeepalivePing other;
        other.set_timestamp(1'795'161'900);
        loop.bus.publish(kPing, {"ND_a"}, other.SerializeAsString());
        loop.bus.publish(kPing, {"ND_a"}, "\xff\xff");
        loop.hub.handle_timeout(loop.now);
        CHECK_FALSE(loop.heartbeat.take_receipt(loop.now));
        CHECK(loop.heartbeat.late() == 2);
    }
}

TEST_CASE("Heartbeat: none after its end") {
    Loop loop;
    loop.heartbeat.end();
    CHECK(loop.heartbeat.next_deadline().is_never());
    loop.pass(Duration::seconds(5));
    loop.heartbeat.handle_timeout(loop.clock());
    loop.hub.handle_timeout(loop.now);
    CHECK_FALSE(loop.heartbeat.take_receipt(loop.now));
}

}  // namespace confab::cluster::nodes
