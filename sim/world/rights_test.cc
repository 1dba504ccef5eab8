// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/world/rights.h"

#include <doctest/doctest.h>

namespace confab::sim {
namespace {

constexpr Rights::Key kKey{Right::kSendData, 1, 0};

Timestamp at(std::int64_t ms) {
    return Timestamp{} + Duration::millis(ms);
}

TEST_CASE("Rights: forbidden is what was sent and arrived while it was denied all the time") {
    Rights rights;
    CHECK(rights.allows(kKey));
    rights.set(at(1000), kKey, false);
    rights.set(at(1500), kKey, false);  // no news
    CHECK_FALSE(rights.allows(kKey));
    CHECK(rights.denied(kKey, at(1050), at(9000)));
    CHECK_FALSE(rights.denied(kKey, at(1049), at(9000)));  // it may have been at the server before
    rights.set(at(3000), kKey, true);
    CHECK(rights.allows(kKey));
    CHECK(rights.denied(kKey, at(1050), at(3000)));
    CHECK_FALSE(rights.denied(kKey, at(1050), at(3001)));  // it may have waited for the grant
    rights.set(at(5000), kKey, false);
    CHECK_FALSE(rights.denied(kKey, at(1050), at(6000)));
    CHECK(rights.denied(kKey, at(5050), at(6000)));
}

TEST_CASE("Rights: each person, right and thing by itself") {
    Rights rights;
    rights.set(at(0), kKey, false);
    for (const Rights::Key& other :
         {Rights::Key{Right::kHear, 1, 0}, Rights::Key{Right::kSendData, 2, 0},
          Rights::Key{Right::kSendData, 1, 1}}) {
        CHECK(rights.allows(other));
        CHECK_FALSE(rights.denied(other, at(1000), at(1000)));
    }
}

}  // namespace
}  // namespace confab::sim
