// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/deadlines.h"

#include <doctest/doctest.h>

namespace confab::room {

TEST_CASE("Deadlines: the next one, moved, taken, in order") {
    Deadlines<int> deadlines;
    const auto at = [](std::int64_t ms) { return Timestamp() + Duration::millis(ms); };
    CHECK(deadlines.next().is_never());
    CHECK_FALSE(deadlines.pop_due(Timestamp::never()));
    deadlines.set(2, at(20));
    deadlines.set(1, at(20));
    deadlines.set(3, at(10));
    deadlines.set(3, at(30));
    CHECK(deadlines.next() == at(20));
    CHECK_FALSE(deadlines.pop_due(at(19)));
    CHECK(deadlines.pop_due(at(20)) == 1);
    CHECK(deadlines.pop_due(at(20)) == 2);
    CHECK_FALSE(deadlines.pop_due(at(20)));
    deadlines.erase(3);
    CHECK(deadlines.size() == 0);
}

}  // namespace confab::room
