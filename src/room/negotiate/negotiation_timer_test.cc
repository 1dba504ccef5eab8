// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/negotiation_timer.h"

#include <doctest/doctest.h>

namespace confab::room {

namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

}  // namespace

TEST_CASE(
    "NegotiationTimer: debounce, one offer at a time, ids, timeout [SDP-03] [SIG-85] [SIG-86]") {
    NegotiationTimer timer(42);
    timer.request(at_ms(1'000), false);
    CHECK_FALSE(timer.due(at_ms(1'009)));
    CHECK(timer.due(at_ms(1'010)));
    CHECK(timer.start_offer(at_ms(1'010)) == 42);
    timer.request(at_ms(1'020), false);
    CHECK_FALSE(timer.due(at_ms(9'000)));
    CHECK(timer.next_deadline(false).is_never());
    CHECK(timer.next_deadline(true) == at_ms(16'010));
    CHECK(timer.timed_out(at_ms(16'010)));
    timer.answered(at_ms(1'050));
    CHECK(timer.due(at_ms(1'050)));
    CHECK(timer.start_offer(at_ms(1'050)) == 43);
    timer.answered(at_ms(1'060));
    timer.request(at_ms(1'100), false);
    CHECK(timer.next_deadline(true) == at_ms(1'250));
    timer.request(at_ms(1'110), true);
    CHECK(timer.due(at_ms(1'110)));
}

TEST_CASE("NegotiationTimer: what may wait holds up others only if it is to [SDP-03] [SIG-84]") {
    NegotiationTimer held(1);
    held.request_after(at_ms(1'000), Duration::millis(200));
    held.request(at_ms(1'010), false);
    CHECK(held.next_deadline(true) == at_ms(1'200));

    NegotiationTimer timer(1);
    timer.request_after(at_ms(1'000), Duration::millis(200), true);
    CHECK(timer.next_deadline(true) == at_ms(1'200));
    timer.request(at_ms(1'010), false);
    CHECK(timer.next_deadline(true) == at_ms(1'020));
    timer.request(at_ms(1'015), false);  // as ever, the first one counts
    CHECK(timer.next_deadline(true) == at_ms(1'020));
    timer.start_requirement(at_ms(1'020));
    timer.settle();
    timer.request_after(at_ms(1'030), Duration::millis(200), true);
    timer.request(at_ms(1'100), false);  // soon after the last one
    CHECK(timer.next_deadline(true) == at_ms(1'230));
    timer.start_requirement(at_ms(1'230));
    timer.settle();
    timer.request(at_ms(2'000), false);
    timer.request(at_ms(2'005), false);
    CHECK(timer.next_deadline(true) == at_ms(2'010));
}

}  // namespace confab::room
