// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/rules/numbers.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::cluster::services::sip {

TEST_CASE("Numbers: those of telephones are compared without their writing [SIP-20]") {
    CHECK(normalized("+1 (444) 555-6666") == "+14445556666");
    CHECK(normalized("14445556666") == "+14445556666");
    CHECK(normalized("+1") == "+1");
    for (const char* other : {"", "+", "alice", "+1x", "1+2", "++1", "1.2", "1\t2"})
        CHECK(normalized(other) == other);
    CHECK(is_same_number("1 2", "+12"));
    CHECK(is_same_number("bob", "bob"));
    CHECK_FALSE(is_same_number("bob", "Bob"));
    CHECK_FALSE(is_same_number("+12", "+123"));
    const std::vector<std::string> numbers{"+7", "(8)"};
    CHECK(has_number(numbers, "8"));
    CHECK_FALSE(has_number(numbers, "9"));
}

}  // namespace confab::cluster::services::sip
