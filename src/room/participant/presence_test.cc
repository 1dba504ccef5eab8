// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/presence.h"

#include <doctest/doctest.h>

namespace confab::room {
namespace {

using End = Presence::End;

Timestamp at(std::int64_t ms) {
    return Timestamp() + Duration::millis(ms);
}

}  // namespace

TEST_CASE("Presence: who never becomes active is given its time [SIG-148]") {
    Presence waits(at(1'000));
    CHECK(waits.next_deadline() == at(61'000));
    CHECK(waits.due(at(60'999)) == End::kNone);
    CHECK(waits.due(at(61'000)) == End::kNeverActive);
    Presence came(at(1'000));
    came.activated();
    CHECK(came.next_deadline().is_never());
    CHECK(came.due(at(100'000)) == End::kNone);
    CHECK(came.since_join(at(3'000)) == Duration::seconds(2));
}

TEST_CASE("Presence: a failed connection is to be resumed within five seconds [SIG-145]") {
    Presence p(at(0));
    p.activated();
    p.link_failed(at(10'000), true);
    CHECK(p.due(at(14'999)) == End::kNone);
    CHECK(p.due(at(15'000)) == End::kNotBack);
    CHECK(p.next_deadline() == at(15'000));
}

TEST_CASE("Presence: a resume without media is no proof of life, and not endless [SIG-145]") {
    Presence p(at(0));
    p.activated();
    p.link_failed(at(10'000), true);
    CHECK(p.resumed(at(12'000)) == at(0));
    CHECK(p.next_deadline() == at(32'000));  // its 20 s for ICE and DTLS
    p.link_failed(at(31'000), true);
    (void)p.resumed(at(33'000));
    CHECK(p.next_deadline() == at(53'000));
    p.link_failed(at(52'000), true);
    (void)p.resumed(at(54'000));
    CHECK(p.next_deadline() == at(70'000));  // 60 s after the media went
    p.link_failed(at(69'000), true);
    CHECK(p.next_deadline() == at(70'000));
    CHECK(p.due(at(70'000)) == End::kNotBack);
}

TEST_CASE("Presence: media that is back ends the wait only with signalling [SIG-145]") {
    Presence p(at(0));
    p.activated();
    p.media_returned(true);  // it was never lost
    p.link_failed(at(1'000), true);
    p.media_returned(false);
    CHECK(p.next_deadline() == at(6'000));
    (void)p.resumed(at(2'000));
    CHECK(p.next_deadline().is_never());
    p.link_failed(at(10'000), true);
    (void)p.resumed(at(11'000));
    p.media_returned(true);
    CHECK(p.next_deadline().is_never());
    // The other connection failed, the primary one is up: only the resume is waited for.
    p.link_failed(at(20'000), false);
    CHECK(p.next_deadline() == at(25'000));
    (void)p.resumed(at(21'000));
    CHECK(p.next_deadline().is_never());
}

TEST_CASE("Presence: heard of lately, and when before a resume") {
    Presence p(at(0));
    p.heard(at(4'000));
    CHECK(p.heard_lately(at(18'999)));
    CHECK_FALSE(p.heard_lately(at(19'000)));
    CHECK(p.resumed(at(30'000)) == at(4'000));
    CHECK(p.heard_lately(at(30'000)));
}

TEST_CASE("Presence: a resume that said nothing may have read nothing [SIG-63] [SIG-160]") {
    Presence p(at(0));
    p.heard(at(4'000));
    CHECK(p.resumed(at(30'000)) == at(4'000));
    CHECK(p.resumed(at(40'000)) == at(4'000));
    p.heard(at(41'000));
    CHECK(p.resumed(at(50'000)) == at(41'000));
}

TEST_CASE("Presence: pings that were held back are as old as they are [SIG-04] [SIG-160]") {
    constexpr std::int64_t kClock = 1'800'000'000'000;
    Presence p(at(0));
    p.pinged(at(1'040), kClock + 1'000);
    p.pinged(at(6'020), kClock + 6'000);  // the fastest: 20 ms
    p.heard(at(30'000));
    p.pinged(at(30'000), kClock + 11'000);
    CHECK(p.heard_lately(at(30'000)));
    CHECK(p.resumed(at(30'000)) == at(11'020));
    // A clock that went back says nothing, one that went on nothing of the future.
    p.pinged(at(31'000), kClock);
    CHECK(p.resumed(at(32'000)) == at(11'020));
    p.pinged(at(33'000), kClock + 90'000'000);
    CHECK(p.resumed(at(34'000)) == at(33'000));
    for (const std::int64_t none : {std::int64_t{0}, std::int64_t{-1}, INT64_MIN, INT64_MAX}) {
        Presence q(at(0));
        q.pinged(at(5'000), none);
        q.heard(at(5'000));
        CHECK(q.resumed(at(6'000)) == at(5'000));
    }
}

TEST_CASE("SimulatedDrops: each once, within five seconds [SIG-175]") {
    SimulatedDrops drops;
    CHECK_FALSE(drops.take(at(0), SimulatedDrops::kBeforeMessages));
    drops.arm(at(1'000), SimulatedDrops::kAfterMessages);
    CHECK_FALSE(drops.take(at(2'000), SimulatedDrops::kBeforeMessages));
    CHECK(drops.take(at(5'999), SimulatedDrops::kAfterMessages));
    CHECK_FALSE(drops.take(at(5'999), SimulatedDrops::kAfterMessages));
    drops.arm(at(10'000), SimulatedDrops::kBeforeMessages);
    CHECK_FALSE(drops.take(at(15'000), SimulatedDrops::kBeforeMessages));
}

}  // namespace confab::room
