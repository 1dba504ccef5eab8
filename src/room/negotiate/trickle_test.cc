// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/trickle.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::room {

TEST_CASE("Trickle: a candidate of 4096 octets of JSON is read, one of more is not [SIG-03]") {
    const auto of_size = [](std::size_t size) {
        std::string json = R"({"candidate":""})";
        json.insert(json.size() - 2, size - json.size(), 'x');
        return json;
    };
    REQUIRE(parse_candidate_init(of_size(4'096)));
    CHECK(parse_candidate_init(of_size(4'096))->starts_with("xxx"));
    CHECK_FALSE(parse_candidate_init(of_size(4'097)));
}

}  // namespace confab::room
