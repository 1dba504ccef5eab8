// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/together.h"

#include <doctest/doctest.h>

#include <set>

namespace confab::sfu {
namespace {

Timestamp at(std::int64_t ms) {
    return Timestamp{} + Duration::millis(ms);
}

TEST_CASE("Together: what is near keeps its time, what is never comes never") {
    CHECK(together(at(1000), at(1127)) == at(1127));
    CHECK(together(at(1000), at(900)) == at(900));
    CHECK(together(at(1000), Timestamp::never()).is_never());
}

TEST_CASE("Together: far deadlines are met on a grid, never early and less than one step late") {
    std::set<Timestamp> moments;
    for (std::int64_t ms = 3000; ms < 4000; ++ms) {
        const Timestamp moved = together(at(1000), at(ms));
        CHECK(moved >= at(ms));
        CHECK(moved - at(ms) < kTogether);
        moments.insert(moved);
    }
    CHECK(moments.size() <= 1000 / 32 + 2);
    CHECK(together(at(1000), at(3200)) == at(3200));  // on it already
}

}  // namespace
}  // namespace confab::sfu
