// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Participants that go on at another media worker in the middle of a call: real rooms and real
// shards do it, and their clients notice nothing (02 MC-20).
#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <string>

#include "room/seam/call_seam_testing.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

struct MovingCall {
    MovingCall() : c(plan()), video(c.stream(0xABCD)) {}
    static CallPlan plan() {
        CallPlan plan;
        plan.config = test_config(2);
        return plan;
    }
    WorkerMoves& moves() { return c.w.room.manager.relocations(c.w.room.clock()).workers(); }
    ServiceResult<void> move(const std::string& identity, sfu::WorkerIndex to) {
        auto begun = moves().begin("r", identity, to);
        c.w.room.drain();
        return begun;
    }
    void publish(int frames) {
        for (int i = 0; i < frames; ++i, ++sent) {
            for (int part = 0; part < 3; ++part) {
                Bytes payload = vp8_payload(sent == 0, static_cast<std::uint8_t>(sent), 500);
                if (part > 0) payload[0] = 0;
                c.send(video.packet(payload, part == 2));
            }
            video.timestamp += 3000;
            c.run(33);
        }
    }
    // What bob got of it, each number once and none missing.
    std::size_t heard() {
        std::set<std::uint16_t> numbers;
        std::uint16_t next = 0;
        for (const ReceivedRtp& packet : c.w.client(c.down.peer).rtp) {
            if (packet.ssrc != c.down.ssrc.value()) continue;
            if (!numbers.empty()) CHECK(packet.sequence == next);
            next = static_cast<std::uint16_t>(packet.sequence + 1);
            CHECK(numbers.insert(packet.sequence).second);
        }
        return numbers.size();
    }

    SeamCall c;
    Stream video;
    int sent = 0;
};

}  // namespace

TEST_CASE("Worker moves: both ends of a call go to and fro, and miss nothing [MC-20] [outside]") {
    MovingCall call;
    call.publish(10);
    const std::size_t before = call.heard();
    REQUIRE(before > 0);
    const std::size_t lost = 30 - before;
    const std::size_t told = call.c.w.world.events_of<sfu::PeerStateChanged>().size();
    for (int i = 0; i < 10; ++i) {
        CAPTURE(i);
        const sfu::WorkerIndex to = i % 4 < 2 ? 1 : 0;
        REQUIRE(call.move(i % 2 == 0 ? "alice" : "bob", to));
        call.publish(5);
        CHECK_FALSE(call.moves().busy());
    }
    CHECK(call.moves().moved() == 10);
    CHECK(call.heard() + lost == static_cast<std::size_t>(call.sent) * 3);
    // Nobody was told of a new connection, and nobody has to connect anew.
    CHECK(call.c.w.world.events_of<sfu::PeerStateChanged>().size() == told);
    for (const SessionId session : {call.c.alice, call.c.bob})
        CHECK(call.c.w.room.count(session, R::kLeave) == 0);
    // Nothing is left where nobody is.
    std::size_t peers = 0;
    for (const auto& shard : call.c.w.world.shards)
        peers += shard->snapshot().peers;
    CHECK(peers == 3);
}

TEST_CASE("Worker moves: what can not be done is said [MC-20]") {
    MovingCall call;
    CHECK(call.move("nobody", 1).error().code == ServiceCode::kNotFound);
    CHECK(call.move("bob", 2).error().code == ServiceCode::kInvalidArgument);
    CHECK(call.move("bob", 0).error().code == ServiceCode::kFailedPrecondition);
    REQUIRE(call.move("bob", 1));
    CHECK(call.move("alice", 1).error().code == ServiceCode::kFailedPrecondition);
    call.publish(10);
    CHECK(call.move("alice", 1));
}

TEST_CASE("Worker moves: who leaves on the way leaves nothing behind [MC-20]") {
    for (const int ms : {0, 1, 2, 3}) {
        CAPTURE(ms);
        MovingCall call;
        call.publish(5);
        REQUIRE(call.move("bob", 1));
        call.c.run(ms);
        livekit::SignalRequest leave;
        leave.mutable_leave();
        call.c.w.room.send(call.c.bob, leave);
        call.c.w.room.close(call.c.bob);
        call.publish(60);
        CHECK_FALSE(call.moves().busy());
        std::size_t peers = 0;
        for (const auto& shard : call.c.w.world.shards)
            peers += shard->snapshot().peers;
        CHECK(peers == 2);
        CHECK(call.c.w.world.shards[1]->snapshot().tracks == 0);
    }
}

}  // namespace confab::room::testing
