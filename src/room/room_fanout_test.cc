// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What one input costs as a room grows: effects made and participants looked at. Nothing but
// telling everybody something may grow with the room, and telling is one effect.
#include <doctest/doctest.h>

#include "room/test_support.h"

namespace confab::room {
namespace {

using testing::Harness;
using testing::test_join;

struct Cost {
    std::size_t effects = 0;
    std::uint64_t visited = 0;
};

template <typename Input>
Cost cost_of(Harness& h, Input&& input) {
    const std::size_t effects = h.effects;
    const std::uint64_t visited = h.manager.snapshot().counters.participants_visited;
    input();
    return {h.effects - effects, h.manager.snapshot().counters.participants_visited - visited};
}

struct Sizes {
    Cost join;
    Cost second;  // of virtual time, in which nobody does anything
    Cost publish;
    Cost leave;
};

// Costs in a room of `size` with five publishers.
Sizes measure(std::size_t size) {
    Harness h;
    for (int i = 0; i < 5; ++i)
        h.publish(h.join_active("r", "speaker" + std::to_string(i)), "mic", false);
    for (std::size_t i = 5; i + 1 < size; ++i)
        (void)h.join_active("r", "p" + std::to_string(i));
    h.advance(Duration::seconds(10));
    h.signals.clear();
    h.commands.clear();
    Sizes result;
    SessionId last;
    result.join = cost_of(h, [&] { last = h.join_active("r", "last"); });
    // The list is whole however it is made.
    CHECK(h.sent(last)[0].join().other_participants_size() == static_cast<int>(size) - 1);
    h.advance(Duration::seconds(10));
    result.second = cost_of(h, [&] { h.advance(Duration::seconds(1)); });
    livekit::SignalRequest leave;
    leave.mutable_leave();
    result.leave = cost_of(h, [&] { h.send(last, leave); });
    // Not answered: what the subscribers do then is their own input.
    const SessionId speaker = h.join_active("r", "late speaker");
    h.auto_answer = false;
    result.publish = cost_of(h, [&] { h.publish(speaker, "mic", false); });
    return result;
}

}  // namespace

TEST_CASE("A join, a leave and the passing of time cost the same in a room of any size [SIG-131]") {
    const Sizes small = measure(250);
    const Sizes medium = measure(500);
    const Sizes large = measure(1'000);
    MESSAGE("N-th join, effects/visited at 250, 500, 1000: ", small.join.effects, "/",
            small.join.visited, " ", medium.join.effects, "/", medium.join.visited, " ",
            large.join.effects, "/", large.join.visited);
    CHECK(small.join.effects == large.join.effects);
    CHECK(small.join.visited == large.join.visited);
    CHECK(medium.join.effects == large.join.effects);
    CHECK(large.join.visited < 50);
    CHECK(large.leave.effects == small.leave.effects);
    CHECK(large.leave.visited == small.leave.visited);
    CHECK(large.second.effects == small.second.effects);
    CHECK(large.second.visited == small.second.visited);
}

TEST_CASE("A published track costs what telling each one costs [SIG-131] [SIG-111]") {
    const Sizes small = measure(250);
    const Sizes large = measure(1'000);
    MESSAGE("publish, effects/visited at 250, 1000: ", small.publish.effects, "/",
            small.publish.visited, " ", large.publish.effects, "/", large.publish.visited);
    CHECK(large.publish.effects <= 5 * small.publish.effects);
    CHECK(large.publish.visited <= 5 * small.publish.visited);
}

}  // namespace confab::room
