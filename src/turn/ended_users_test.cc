// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "turn/ended_users.h"

#include <doctest/doctest.h>

namespace confab::turn {
namespace {

Timestamp at(std::int64_t seconds) {
    return Timestamp() + Duration::seconds(seconds);
}

}  // namespace

TEST_CASE("EndedUsers: remembered for as long as credentials live [TURN-17]") {
    EndedUsers users(Duration::seconds(300));
    users.note(at(10), "PA_1");
    users.note(at(50), "PA_1");
    users.note(at(60), "PA_2");
    CHECK(users.ended_at(at(60), "PA_1") == at(10));
    CHECK_FALSE(users.ended_at(at(60), "PA_3"));
    CHECK(users.ended_at(at(310), "PA_1") == at(10));
    CHECK_FALSE(users.ended_at(at(311), "PA_1"));
    CHECK(users.ended_at(at(311), "PA_2") == at(60));
    CHECK(users.size() == 1);
}

TEST_CASE("EndedUsers: of so many the first is forgotten [TURN-17]") {
    EndedUsers users(Duration::seconds(300));
    for (std::size_t i = 0; i < EndedUsers::kMax; ++i)
        users.note(at(0), "PA_" + std::to_string(i));
    CHECK(users.ended_at(at(0), "PA_0"));
    users.note(at(0), "PA_more");
    CHECK(users.size() == EndedUsers::kMax);
    CHECK_FALSE(users.ended_at(at(0), "PA_0"));
    CHECK(users.ended_at(at(0), "PA_1"));
    CHECK(users.ended_at(at(0), "PA_more"));
}

}  // namespace confab::turn
