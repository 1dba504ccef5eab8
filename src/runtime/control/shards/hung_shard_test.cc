// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A control thread that does not answer: what its callers learn, and what it does about them when
// it goes on.
#include <doctest/doctest.h>

#include <chrono>
#include <future>

#include "runtime/control/shards/control_node.h"
#include "runtime/control/shards/node_room_service.h"
#include "runtime/control/shards/node_testing.h"

namespace confab::control {
namespace {

// Whether a shard comes to have no session but `count`, within the time of a slow machine.
bool has_sessions(TestNode& node, std::size_t shard, std::size_t count) {
    for (int i = 0; i < 400; ++i) {
        const bool equal = node.call_in(shard, [count](ControlPlane& plane) {
            return plane.sessions().size() == count && plane.rooms().snapshot().sessions == count;
        });
        if (equal) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
}

}  // namespace

TEST_CASE("ControlNode: what a hung shard did not begin is refused, and never done [API-W7]") {
    TestNode node(2);
    const std::string room = node.room_in(1);
    Joined ann(node, room, "ann");
    REQUIRE(ann.is_in());
    HungShard hang(node, 1);
    livekit::DeleteRoomRequest end;
    end.set_room(room);
    livekit::RoomParticipantIdentity who;
    who.set_room(room);
    who.set_identity("ann");
    auto deleted =
        std::async(std::launch::async, [&] { return node.twirp("DeleteRoom", room, end); });
    auto got =
        std::async(std::launch::async, [&] { return node.twirp("GetParticipant", room, who); });
    auto valid = std::async(std::launch::async, [&] { return node.validate(room, "bob"); });
    for (auto* answer : {&deleted, &got, &valid}) {
        const std::string text = answer->get();
        CHECK(text.starts_with("HTTP/1.1 503 "));
        CHECK(text.find("no response from servers") != std::string::npos);
    }
    hang.open();
    // Who was told that nothing happened may rely on it.
    CHECK(ann.is_served(1));
    CHECK(node.answer<livekit::ParticipantInfo>("GetParticipant", room, who).identity() == "ann");
}

TEST_CASE("ControlNode: who leaves before a hung shard takes the connection is nobody [CON-31]") {
    TestNode node(2);
    const std::string room = node.room_in(1);
    HungShard hang(node, 1);
    {
        Joined ann(node, room, "ann");
        Joined bob(node, room, "bob");
        ann.raw().close();
        bob.raw().shutdown_send();
        bob.raw().close();
        // The first shard has read both requests when it has answered a later one.
        CHECK(node.validate(node.room_in(0), "cleo").starts_with("HTTP/1.1 200 "));
    }
    hang.open();
    CHECK(has_sessions(node, 1, 0));
    Joined dan(node, room, "dan");
    REQUIRE(dan.is_in());
    CHECK(has_sessions(node, 1, 1));
}

TEST_CASE("ControlNode: the end waits for a hung shard, but not for ever [CON-11] [HOOK-07]") {
    TestNode node(2);
    Joined ann(node, node.room_in(0), "ann");
    Joined bob(node, node.room_in(1), "bob");
    REQUIRE(ann.is_in());
    REQUIRE(bob.is_in());
    HungShard hang(node, 1);
    std::promise<void> flushed;
    std::future<void> end = flushed.get_future();
    const Timestamp began = net::EventLoop::now();
    node.call([&](ControlNode& control) {
        control.shut_down();
        control.flush([&] { flushed.set_value(); });
    });
    // The others are not kept waiting.
    CHECK(ann.wait(livekit::SignalResponse::kLeave).has_leave());
    REQUIRE(end.wait_for(std::chrono::seconds(10)) == std::future_status::ready);
    CHECK(net::EventLoop::now() - began >= kShardPatience);
    hang.open();
    CHECK(bob.wait(livekit::SignalResponse::kLeave).has_leave());
}

// The Rust core gives an upgrade five seconds, and so does this client.
TEST_CASE(
    "ControlNode: a join that a hung shard does not take is refused in time [CON-33] [CON-46]") {
    TestNode node(2);
    const std::string room = node.room_in(1);
    HungShard hang(node, 1);
    SignalClient ann(node.port(), node.join_path(room, "ann"));
    CHECK(ann.head().starts_with("HTTP/1.1 503 "));
    hang.open();
    CHECK(has_sessions(node, 1, 0));
    Joined again(node, room, "ann");
    CHECK(again.is_in());
}

TEST_CASE(
    "NodeRoomService: a room of a hung shard is not looked for without end [API-20] [API-W7]") {
    std::promise<bool> known;
    TestNode node(2);
    const std::string room = node.room_in(1);
    HungShard hang(node, 1);
    std::future<bool> answer = known.get_future();
    node.call([&](ControlNode& control) {
        NodeRoomService service(control, {});
        service.find_room(room, [&](const auto& found) { known.set_value(found.has_value()); });
    });
    REQUIRE(answer.wait_for(std::chrono::seconds(15)) == std::future_status::ready);
    CHECK_FALSE(answer.get());  // an error, as for any other call
}

TEST_CASE("ControlNode: stopping gives a hung thread up after a while [CON-11]") {
    std::promise<std::size_t> stopped;
    TestNode node(3);
    HungShard hang(node, 2);
    std::future<std::size_t> end = stopped.get_future();
    node.thread().loop().post([&] { stopped.set_value(node.control().stop()); });
    REQUIRE(end.wait_for(std::chrono::seconds(15)) == std::future_status::ready);
    CHECK(end.get() == 1);
    hang.open();
    CHECK(node.call([](ControlNode& control) { return control.stop(); }) == 0);
}

}  // namespace confab::control
