// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/pressure/drain_rate.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

constexpr Timestamp at(std::int64_t ms) {
    return Timestamp::micros(5'000'000 + ms * 1000);
}

// A receiver that takes `octets` every `step` ms, of a queue that never gets empty.
void drain(DrainRate& rate, std::int64_t from, std::int64_t to, std::int64_t step,
           std::size_t octets) {
    for (std::int64_t ms = from; ms < to; ms += step) {
        rate.note(at(ms), 10'000);
        rate.add_sent(octets);
    }
}

}  // namespace

TEST_CASE("DrainRate: octets by the time in which some waited, once that is a slot [DC-22]") {
    DrainRate rate;
    CHECK_FALSE(rate.bits_per_second());
    rate.note(at(0), 0);
    rate.add_sent(5'000);
    rate.note(at(99), 4'000);
    CHECK_FALSE(rate.bits_per_second());
    rate.note(at(100), 4'000);
    CHECK(rate.bits_per_second() == 1'000 * 8 * 10);
    rate.note(at(200), 4'000);  // nothing more is taken
    CHECK(rate.bits_per_second() == 1'000 * 8 * 5);
}

TEST_CASE("DrainRate: of one who keeps up nothing is known [DC-22]") {
    DrainRate rate;
    for (std::int64_t ms = 0; ms < 5'000; ms += 50) {
        rate.note(at(ms), 0);
        rate.add_sent(1'000);
    }
    CHECK_FALSE(rate.bits_per_second());
    // Nor does it count, once something waits: nobody knows in which time it was taken.
    drain(rate, 5'000, 5'200, 50, 1'000);
    CHECK(rate.bits_per_second() == 120'000);
}

TEST_CASE("DrainRate: bursts with pauses between are no fast receiver [DC-22] [DC-23]") {
    DrainRate rate;
    // Of 10 000 octets that come at once, 1 000 go in 50 ms; the rest in the pause that follows.
    for (std::int64_t ms = 0; ms < 2'000; ms += 500) {
        rate.note(at(ms), 0);
        rate.add_sent(10'000);
        rate.note(at(ms + 50), 9'000);
    }
    CHECK(rate.bits_per_second() == 160'000);
}

TEST_CASE("DrainRate: in the first round trips of a burst nothing is measured [DC-22]") {
    constexpr Duration kTrip = Duration::millis(40);
    DrainRate rate;
    for (std::int64_t ms = 0; ms < 2'000; ms += 100) {
        // All of it is taken, in the pause that follows.
        for (std::int64_t packet = 0; packet < 3; ++packet) {
            rate.note(at(ms + packet * 5), static_cast<std::size_t>(packet) * 16'000, kTrip);
            rate.add_sent(16'000);
        }
    }
    CHECK_FALSE(rate.bits_per_second());
    // Of one that goes on what comes behind them.
    rate.note(at(2'000), 0, kTrip);
    rate.add_sent(50'000);
    rate.note(at(2'079), 46'000, kTrip);
    rate.note(at(2'179), 44'000, kTrip);
    CHECK_FALSE(rate.bits_per_second());
    rate.note(at(2'279), 40'000, kTrip);
    CHECK(rate.bits_per_second() == 4'000 * 8 * 10);
}

TEST_CASE("DrainRate: who has all but the last packet keeps up [DC-22]") {
    for (const std::size_t left : {DrainRate::kLastPacket, DrainRate::kLastPacket + 1}) {
        DrainRate rate;
        for (std::int64_t ms = 0; ms < 2'000; ms += 200) {
            rate.note(at(ms), left);
            rate.add_sent(45'000);
        }
        CHECK(rate.bits_per_second().has_value() == (left > DrainRate::kLastPacket));
    }
}

TEST_CASE("DrainRate: follows the last two seconds [DC-22]") {
    DrainRate rate;
    drain(rate, 0, 4'000, 50, 1'000);
    CHECK(rate.bits_per_second() == 160'000);
    drain(rate, 4'000, 5'000, 50, 0);
    const auto half = rate.bits_per_second();
    REQUIRE(half);
    CHECK(*half > 70'000);
    CHECK(*half < 90'000);
    // Slots: the last of the old ones is forgotten 2 s behind, not before.
    drain(rate, 5'000, 5'950, 50, 0);
    CHECK(rate.bits_per_second().value_or(0) > 0);
    drain(rate, 5'950, 6'200, 50, 0);
    CHECK(rate.bits_per_second() == 0U);
}

TEST_CASE("DrainRate: after a pause it begins anew [DC-22]") {
    DrainRate rate;
    drain(rate, 0, 1'000, 50, 1'000);
    rate.note(at(1'050), 0);
    rate.note(at(60'000), 0);
    CHECK_FALSE(rate.bits_per_second());
    drain(rate, 60'000, 60'500, 50, 500);
    CHECK(rate.bits_per_second() == 80'000);
    // One that took nothing in the meantime was busy all the time.
    rate.note(at(90'000), 10'000);
    CHECK(rate.bits_per_second() == 500U * 8 * 1000 / 29'550);
}

}  // namespace confab::sfu
