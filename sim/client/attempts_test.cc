// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/client/attempts.h"

#include <doctest/doctest.h>

namespace confab::sim {
namespace {

using Phase = Attempts::Phase;
using Next = Attempts::Next;

Timestamp at(std::int64_t ms) {
    return Timestamp{} + Duration::millis(ms);
}

// Was in once, and is so again.
Attempts inside() {
    Attempts attempts;
    attempts.opened();
    attempts.joined(at(0), false);
    return attempts;
}

TEST_CASE("Attempts: what was in is resumed, what never was joins [CON-46]") {
    Attempts attempts;
    CHECK(attempts.lost(at(0), false));
    CHECK(attempts.handle_timeout(at(0)) == Next::kJoin);
    attempts = inside();
    CHECK(attempts.lost(at(5), false));
    CHECK(attempts.phase() == Phase::kWaiting);
    CHECK(attempts.next_deadline() == at(5));
    CHECK(attempts.handle_timeout(at(5)) == Next::kResume);
    CHECK(attempts.phase() == Phase::kOpening);
    CHECK(attempts.handle_timeout(at(6)) == Next::kNothing);
}

TEST_CASE("Attempts: one pause is for all that is lost in it; a wish to join stays [CON-46]") {
    Attempts attempts = inside();
    CHECK(attempts.lost(at(0), false));
    CHECK_FALSE(attempts.lost(at(0), true));
    CHECK(attempts.handle_timeout(at(0)) == Next::kJoin);
    // The next one is the second attempt, and its session was never in.
    CHECK(attempts.lost(at(0), false));
    CHECK(attempts.handle_timeout(at(299)) == Next::kNothing);
    CHECK(attempts.handle_timeout(at(300)) == Next::kJoin);
}

TEST_CASE("Attempts: connections have 15 s, counted once the session is there [CON-46]") {
    Attempts attempts = inside();
    CHECK(attempts.next_deadline() == at(15'000));
    CHECK_FALSE(attempts.gives_up(at(14'999), false));
    CHECK(attempts.gives_up(at(15'000), false));
    CHECK_FALSE(attempts.gives_up(at(15'000), true));
    CHECK_FALSE(attempts.gives_up(at(99'000), false));
    CHECK(attempts.next_deadline().is_never());
}

TEST_CASE("Attempts: connections that come up begin the pauses anew [CON-46]") {
    Attempts attempts = inside();
    for (int i = 0; i < 3; ++i) {
        CHECK(attempts.lost(at(0), false));
        CHECK(attempts.handle_timeout(at(10'000)) == Next::kResume);
        attempts.opened();
        attempts.joined(at(10'000), true);
    }
    CHECK(attempts.resumes() == 3);
    CHECK(attempts.joins() == 1);
    CHECK_FALSE(attempts.gives_up(at(10'000), true));
    CHECK(attempts.lost(at(20'000), false));
    CHECK(attempts.next_deadline() == at(20'000));
}

TEST_CASE("Attempts: nothing brings back who stays away") {
    Attempts attempts = inside();
    attempts.end();
    CHECK_FALSE(attempts.lost(at(0), true));
    CHECK(attempts.handle_timeout(at(99'000)) == Next::kNothing);
    CHECK(attempts.next_deadline().is_never());
}

}  // namespace
}  // namespace confab::sim
