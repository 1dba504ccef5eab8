// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/sequence_line.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

SequenceLine line_of(std::uint16_t first, int count) {
    SequenceLine line;
    for (int i = 0; i < count; ++i)
        line.take(static_cast<std::uint16_t>(first + i));
    return line;
}

TEST_CASE("SequenceLine: a restart goes on at the next place with the same low bits [IN-01]") {
    SequenceLine line = line_of(65'000, 1000);  // wraps on the way
    const std::int64_t highest = line.highest();
    CHECK(highest == 0x1'0000 + 65'999);
    CHECK_FALSE(line.restarts(50'000, false));
    CHECK(line.highest() == highest);
    CHECK(line.restarts(50'001, false));
    CHECK(line.highest() > highest);
    CHECK(line.highest() - highest < 0x1'0000);
    CHECK((line.highest() & 0xFFFF) == 50'001);
    CHECK(line.peek(50'002) == line.highest() + 1);
    CHECK(line.peek(50'000) == line.highest() - 1);
}

TEST_CASE("SequenceLine: only two in a row restart it [IN-01]") {
    SequenceLine line = line_of(40'000, 10);
    CHECK_FALSE(line.restarts(20'000, false));
    CHECK_FALSE(line.restarts(20'002, false));
    CHECK_FALSE(line.restarts(20'001, false));
    CHECK(line.restarts(20'002, false));
}

TEST_CASE("SequenceLine: what was used restarts it only with a new time [IMM-10]") {
    SequenceLine line = line_of(40'000, 5000);
    for (const int first : {40'000, 42'000, 43'900, 44'998}) {
        const auto used = static_cast<std::uint16_t>(first);
        CAPTURE(used);
        CHECK_FALSE(line.restarts(used, false));
        CHECK_FALSE(line.restarts(static_cast<std::uint16_t>(used + 1), false));
    }
    // One from before the first one came late.
    line.take(39'990);
    CHECK_FALSE(line.restarts(39'990, false));
    CHECK_FALSE(line.restarts(39'991, false));
    CHECK_FALSE(line.restarts(42'000, true));
    CHECK(line.restarts(42'001, true));
}

TEST_CASE("SequenceLine: ranges used before restarts stay used, behind and ahead [IMM-10]") {
    SequenceLine line = line_of(40'000, 100);
    CHECK_FALSE(line.is_used_ahead(40'050));
    REQUIRE_FALSE(line.restarts(30'000, false));
    REQUIRE(line.restarts(30'001, false));
    CHECK(line.is_used_ahead(40'050));
    CHECK_FALSE(line.is_used_ahead(30'002));
    CHECK_FALSE(line.is_used_ahead(40'100));  // was never sent
    REQUIRE_FALSE(line.restarts(20'000, false));
    REQUIRE(line.restarts(20'001, false));
    CHECK(line.is_used_ahead(30'001));
    CHECK(line.is_used_ahead(40'099));
    CHECK_FALSE(line.restarts(20'000, false));
    CHECK_FALSE(line.restarts(20'001, false));
}

TEST_CASE("SequenceLine: what was used is known over the wrap behind a restart [IMM-10]") {
    SequenceLine line = line_of(100, 10);
    REQUIRE_FALSE(line.restarts(60'000, false));
    REQUIRE(line.restarts(60'001, false));
    CHECK(line.is_used_ahead(105));  // behind 65535
    CHECK_FALSE(line.is_used_ahead(110));
    CHECK(line.peek(105) > line.highest());
}

TEST_CASE("SequenceLine: restarts one behind another go on upwards [IN-01]") {
    SequenceLine line = line_of(40'000, 2000);
    std::int64_t highest = line.highest();
    for (const int first : {30'000, 20'000, 10'000, 500, 50'000, 45'000}) {
        CAPTURE(first);
        const auto number = static_cast<std::uint16_t>(first);
        REQUIRE_FALSE(line.restarts(number, true));
        REQUIRE(line.restarts(static_cast<std::uint16_t>(number + 1), true));
        CHECK(line.highest() > highest);
        CHECK(line.highest() - highest <= 0x1'0000);
        CHECK((line.highest() & 0xFFFF) == first + 1);
        highest = line.highest();
        line.take(static_cast<std::uint16_t>(number + 2));
        CHECK(line.highest() == ++highest);
    }
}

}  // namespace
}  // namespace confab::sfu
