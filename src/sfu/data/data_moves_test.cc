// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A member that goes on at another worker: what is on its way in the links before it leaves. Whole
// servers do it in sim/world/moves_test.cc.
#include <doctest/doctest.h>

#include "base/state/state.h"
#include "sfu/data/data_router_testing.h"

namespace confab::sfu {
namespace {

using test::DataRouters;
using test::text_packet;
using test::Texts;

// alice is at worker 0, bob at 1, carol at 2; alice goes to worker 2.
struct Leaving {
    Leaving() : w(3), alice(w.join("alice", 0)), bob(w.join("bob", 1)), carol(w.join("carol", 2)) {
        for (const DataMember& one : {alice, bob, carol})
            w.come_up(one);
        w.spread({0, 1, 2});
        w.exchange();
    }
    DataMoves& moves() { return moves_of(w.router(0)); }
    // What worker `from` has to say arrives.
    void deliver(std::size_t from) {
        (void)w.router(from).flush_links();
        for (auto& [to, pieces] : w.port(from).pieces)
            for (const Bytes& piece : std::exchange(pieces, {}))
                w.router(to).handle_link(w.now, static_cast<WorkerIndex>(from), piece);
    }

    DataRouters w;
    DataMember alice, bob, carol;
};

}  // namespace

TEST_CASE("Data: who moves leaves when every way to and from it is clear [MC-20] [SIG-121]") {
    Leaving call;
    CHECK(call.moves().may_leave(call.alice.peer));
    (void)call.w.say(call.bob, text_packet("before"));
    call.moves().begin(call.alice.peer, 2);
    CHECK_FALSE(call.moves().may_leave(call.alice.peer));
    // What it has to say goes with it.
    CHECK_FALSE(call.w.may_send(call.alice));
    CHECK_FALSE(call.w.router(0).may_send(call.alice.peer, true));
    call.deliver(0);  // the question
    call.deliver(2);  // an answer
    CHECK_FALSE(call.moves().may_leave(call.alice.peer));
    call.deliver(1);  // another, behind what bob said
    CHECK(call.w.heard(call.alice) == Texts{"before"});
    CHECK_FALSE(call.moves().may_leave(call.alice.peer));
    call.deliver(2);  // and again by the way of worker 2
    CHECK(call.moves().may_leave(call.alice.peer));
    CHECK_FALSE(call.w.may_send(call.alice));
}

TEST_CASE("Data: a worker answers when it knows where the member goes [MC-20]") {
    Leaving call;
    call.w.command(1, DataWorkers{RoomId(1), {0, 1}, false});
    call.moves().begin(call.alice.peer, 2);
    for (int i = 0; i < 3; ++i)
        call.w.exchange();
    CHECK_FALSE(call.moves().may_leave(call.alice.peer));
    call.w.command(1, DataWorkers{RoomId(1), {0, 1, 2}, false});
    call.w.exchange();
    CHECK(call.moves().may_leave(call.alice.peer));
}

TEST_CASE("Data: who stays after all says on; old answers do not count for the next time [MC-20]") {
    Leaving call;
    call.moves().begin(call.alice.peer, 2);
    (void)call.w.router(0).flush_links();
    call.moves().stay(call.alice.peer);
    CHECK(call.w.may_send(call.alice));
    CHECK(call.w.resumed() == std::vector<PeerId>{});
    (void)call.w.router(0).flush_links();
    auto stale = std::exchange(call.w.port(0).pieces, {});
    call.moves().begin(call.alice.peer, 2);
    for (auto& [to, pieces] : stale)
        for (const Bytes& piece : pieces)
            call.w.router(to).handle_link(call.w.now, 0, piece);
    call.deliver(1);
    call.deliver(2);
    call.deliver(2);
    CHECK_FALSE(call.moves().may_leave(call.alice.peer));
    call.w.exchange();
    CHECK(call.moves().may_leave(call.alice.peer));
}

TEST_CASE("Data: lossy messages are for one of the two workers [MC-20] [DC-03]") {
    Leaving call;
    (void)call.w.say(call.bob, text_packet("one"), DataChannel::kLossy);
    call.w.exchange();
    call.moves().begin(call.alice.peer, 2);
    (void)call.w.say(call.bob, text_packet("two"), DataChannel::kLossy);
    (void)call.w.say(call.bob, text_packet("three"));
    call.w.exchange();
    CHECK(call.w.heard(call.alice) == Texts{"one", "three"});
}

TEST_CASE("Data: calls that are awaited go along with a member [MC-20] [SIG-128]") {
    Leaving call;
    call.w.command(0, CallMethod{RoomId(1), call.alice.member, "r1", Bytes{1}});
    StateWriter out(call.w.now);
    call.w.router(0).rooms().save(call.alice.peer, out);
    const Bytes state = to_vector(out.view());
    DataMember there = call.alice;
    call.w.command(2, there);
    StateReader in(state, call.w.now);
    call.w.router(2).rooms().load(call.alice.peer, call.w.now, in);
    REQUIRE(in.finish());
    const auto* member = call.w.router(2).rooms().find(RoomId(1), call.alice.member);
    REQUIRE(member != nullptr);
    CHECK(member->active);
    CHECK(member->calls.awaited() == MethodCalls::Awaited{{"r1", false}});
}

}  // namespace confab::sfu
