// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/time_line.h"

#include <doctest/doctest.h>

#include <initializer_list>

namespace confab::sfu {
namespace {

constexpr std::int64_t kRate = 90'000;

Timestamp at_hours(double hours) {
    return Timestamp::micros(1'000'000 + static_cast<std::int64_t>(hours * 3.6e9));
}
std::uint32_t wrapped(std::int64_t time) {
    return static_cast<std::uint32_t>(time);
}

TEST_CASE("TimeLine: after any silence the time is where the clock has gone [IN-01]") {
    for (const double hours : {0.001, 3.0, 4.0, 6.5, 6.7, 8.0, 13.1, 13.3, 20.0, 30.0, 24.0 * 365})
        for (const double drift : {-0.5, 0.0, 0.5}) {
            CAPTURE(hours);
            CAPTURE(drift);
            TimeLine line(kRate);
            const std::int64_t first = line.unwrap(at_hours(0), 0xFFFF'FF00U);
            const auto passed = static_cast<std::int64_t>(hours * 3600 * kRate + drift * kRate);
            const std::int64_t expected = first + passed;
            CHECK(line.peek(at_hours(hours), wrapped(expected)) == expected);
            CHECK(line.unwrap(at_hours(hours), wrapped(expected)) == expected);
            CHECK(line.highest() == expected);
            // From there on as ever, backwards too.
            CHECK(line.peek(at_hours(hours), wrapped(expected - kRate)) == expected - kRate);
            CHECK(line.unwrap(at_hours(hours), wrapped(expected + 3000)) == expected + 3000);
        }
}

TEST_CASE("TimeLine: a clock that stood still meanwhile goes on from there [IN-01]") {
    for (const double hours : {0.1, 3.2, 3.4, 6.5}) {
        CAPTURE(hours);
        TimeLine line(kRate);
        const std::int64_t first = line.unwrap(at_hours(0), 5000);
        CHECK(line.unwrap(at_hours(hours), 8000) == first + 3000);
    }
}

}  // namespace
}  // namespace confab::sfu
