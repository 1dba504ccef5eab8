// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/frame_limiter.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

Timestamp at_us(std::int64_t us) {
    return Timestamp::micros(5'000'000 + us);
}

// Of frames that come so many microseconds apart for ten seconds.
int passed(FrameLimiter& limiter, std::int64_t apart_us) {
    int count = 0;
    std::uint16_t frame = 65'500;  // wraps
    for (std::int64_t us = 0; us < 10'000'000; us += apart_us)
        count += limiter.passes(at_us(us), frame++) ? 1 : 0;
    return count;
}

TEST_CASE("FrameLimiter: as many a second as were asked for, not more [DT-05]") {
    struct Case {
        std::uint32_t wanted;
        std::int64_t apart_us;
        int passed;
    };
    for (const Case& one : {Case{10, 33'333, 100}, Case{15, 33'333, 150}, Case{20, 33'333, 200},
                            Case{1, 33'333, 10}, Case{60, 33'333, 301}, Case{0, 10'000, 1'000}}) {
        CAPTURE(one.wanted);
        FrameLimiter limiter(one.wanted);
        const int count = passed(limiter, one.apart_us);
        CHECK(count >= one.passed - 1);
        CHECK(count <= one.passed + 1);
    }
}

TEST_CASE("FrameLimiter: packets follow the first of their frame, in whatever order [DT-05]") {
    FrameLimiter limiter(10);
    CHECK(limiter.passes(at_us(0), 1));
    CHECK_FALSE(limiter.passes(at_us(10'000), 2));
    CHECK(limiter.passes(at_us(11'000), 1));  // late
    CHECK(limiter.passes(at_us(90'000), 1));
    CHECK_FALSE(limiter.passes(at_us(200'000), 2));
    CHECK(limiter.passes(at_us(200'000), 3));
    CHECK_FALSE(limiter.passes(at_us(200'000), 4));
}

TEST_CASE("FrameLimiter: a pause is not made up for [DT-05]") {
    FrameLimiter limiter(10);
    CHECK(limiter.passes(at_us(0), 1));
    CHECK(limiter.passes(at_us(3'000'000), 2));
    CHECK_FALSE(limiter.passes(at_us(3'010'000), 3));
    CHECK_FALSE(limiter.passes(at_us(3'020'000), 4));
}

}  // namespace
}  // namespace confab::sfu
