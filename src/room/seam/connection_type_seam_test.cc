// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How connections go, as statistics hear of it: from candidates that clients tell a real room and
// checks that reach a real shard.
#include <doctest/doctest.h>

#include <numeric>

#include "room/seam/media_seam_testing.h"

namespace confab::room::testing {
namespace {

// The only client.
struct Lone : RoomAndShard {
    // It says that its relay is at `port` of its address.
    void tell_relay(std::uint16_t port) {
        livekit::SignalRequest request;
        request.mutable_trickle()->set_target(livekit::SUBSCRIBER);
        request.mutable_trickle()->set_candidateinit(
            R"({"candidate":"candidate:1 1 udp 41885439 127.0.0.2 )" + std::to_string(port) +
            R"( typ relay raddr 0.0.0.0 rport 0"})");
        room.send(bob, request);
    }
    int up(sfu::ConnectionType type) const {
        const auto all = room.observed<ConnectionsChanged>();
        return std::accumulate(all.begin(), all.end(), 0, [&](int sum, const auto& one) {
            return sum + (one.type == type ? one.change : 0);
        });
    }
    SessionId bob = room.join_active("r", "bob");
};

constexpr std::uint16_t kItsPort = 9000;

}  // namespace

TEST_CASE(
    "Connection type: to the relay that the client told of, or a port of its server that it did "
    "not [ICE-18] [outside]") {
    for (const std::uint16_t port : {kItsPort, std::uint16_t{5000}}) {
        CAPTURE(port);
        Lone w;
        w.tell_relay(port);
        // Nothing is waited for where there is nothing better.
        w.run(Duration::millis(500));
        CHECK(w.up(sfu::ConnectionType::kTurn) == 1);
        CHECK(w.up(sfu::ConnectionType::kUdp) == 0);
        livekit::SignalRequest leave;
        leave.mutable_leave();
        w.room.send(w.bob, leave);
        w.run(Duration::millis(10));
        CHECK(w.up(sfu::ConnectionType::kTurn) == 0);
    }
}

TEST_CASE("Connection type: UDP where nobody spoke of a relay [ICE-18] [outside]") {
    Lone w;
    w.run(Duration::millis(500));
    CHECK(w.up(sfu::ConnectionType::kUdp) == 1);
    CHECK(w.up(sfu::ConnectionType::kTurn) == 0);
}

TEST_CASE("Connection type: the candidate comes after the connection [ICE-18] [outside]") {
    Lone w;
    w.run(Duration::millis(500));
    w.tell_relay(5000);
    w.run(Duration::millis(10));
    CHECK(w.up(sfu::ConnectionType::kUdp) == 0);
    CHECK(w.up(sfu::ConnectionType::kTurn) == 1);
    const auto told = w.world.events_of<sfu::PeerStateChanged>().size();
    w.run(Duration::seconds(20));
    CHECK(w.world.events_of<sfu::PeerStateChanged>().size() == told);
}

}  // namespace confab::room::testing
