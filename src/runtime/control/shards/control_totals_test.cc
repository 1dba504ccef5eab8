// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is told of all control threads together, and what must not be the same in two of them.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "runtime/control/shards/node_testing.h"

namespace confab::control {
namespace {

ControlReport totals_of(TestNode& node) {
    node.call_in(1, [](ControlPlane& plane) { plane.tell(); });
    return node.call([](ControlNode& control) { return control.totals(); });
}

// Packets of the API for rooms that are not there, in one go, until the worker's ring is full.
std::uint64_t overflow(TestNode& node, std::size_t shard, std::uint64_t wanted) {
    return node.call_in(shard, [&](ControlPlane&) {
        worker::ControlPort& port = node.port_of(shard);
        sfu::SendData data;
        data.room = sfu::RoomId(1);
        data.payload = Bytes(worker::ControlPort::kMaxDataBytes + 1);  // never fits
        for (std::uint64_t i = 0; i < wanted; ++i)
            port.send(0, data);
        return port.commands_dropped();
    });
}

}  // namespace

TEST_CASE("ControlNode: the figures of all threads are added up [DES-40]") {
    TestNode node(2);
    Joined ann(node, node.room_in(0, "a"), "ann");
    Joined bob(node, node.room_in(0, "b"), "bob");
    Joined cleo(node, node.room_in(1), "cleo");
    for (Joined* client : {&ann, &bob, &cleo})
        REQUIRE(client->is_in());
    CHECK(overflow(node, 0, 3) == 3);
    CHECK(overflow(node, 1, 4) == 4);
    const ControlReport all = totals_of(node);
    CHECK(all.rooms.rooms == 3);
    CHECK(all.rooms.participants == 3);
    CHECK(all.rooms.sessions == 3);
    CHECK(all.commands_dropped == 7);
}

TEST_CASE("ControlNode: no two threads make the same ids") {
    TestNode node(3);
    std::set<std::string> participants;
    std::set<std::string> rooms;
    for (std::size_t shard = 0; shard < 3; ++shard) {
        Joined client(node, node.room_in(shard), "ann");
        REQUIRE(client.head().starts_with("HTTP/1.1 101 "));
        const auto join = client.wait(livekit::SignalResponse::kJoin).join();
        REQUIRE_FALSE(join.participant().sid().empty());
        participants.insert(join.participant().sid());
        rooms.insert(join.room().sid());
    }
    CHECK(participants.size() == 3);
    CHECK(rooms.size() == 3);
}

}  // namespace confab::control
