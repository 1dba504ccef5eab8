// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "token/limits.h"

#include <doctest/doctest.h>

#include <map>
#include <string>

namespace confab::token {

TEST_CASE("exceeds: the limit itself is allowed, and 0 is none [ROOM-07]") {
    CHECK_FALSE(exceeds(9, 10));
    CHECK_FALSE(exceeds(10, 10));
    CHECK(exceeds(11, 10));
    CHECK_FALSE(exceeds(0, 0));
    CHECK_FALSE(exceeds(static_cast<std::size_t>(-1), 0));
}

TEST_CASE("attributes_size: keys and values, in bytes of UTF-8 [ROOM-07]") {
    std::map<std::string, std::string> attributes;
    CHECK(attributes_size(attributes) == 0);
    attributes["name"] = "\xc3\xbc";
    CHECK(attributes_size(attributes) == 6);
    attributes["empty"] = "";
    CHECK(attributes_size(attributes) == 11);
}

TEST_CASE("attributes_size_after: what is set replaces, what is set to nothing goes [ROOM-07]") {
    using Attributes = std::map<std::string, std::string>;
    const Attributes before{{"a", "12"}, {"b", "345"}};
    CHECK(attributes_size_after(before, Attributes{}) == 7);
    CHECK(attributes_size_after(before, Attributes{{"a", "1"}}) == 6);
    CHECK(attributes_size_after(before, Attributes{{"c", "67"}}) == 10);
    CHECK(attributes_size_after(before, Attributes{{"b", ""}, {"c", ""}}) == 3);
}

TEST_CASE("Limits: as LiveKit has them where nothing is configured [ROOM-07]") {
    constexpr Limits limits;
    CHECK(limits.room_name == 256);
    CHECK(limits.identity == 256);
    CHECK(limits.participant_name == 256);
    CHECK(limits.metadata == 524'288);
    CHECK(limits.attributes == 65'536);
}

}  // namespace confab::token
