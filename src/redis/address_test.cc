// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "redis/address.h"

#include <doctest/doctest.h>

namespace confab::redis {
namespace {

std::string read(std::string_view text) {
    const auto address = parse_address(text);
    return address ? address->host + " " + std::to_string(address->port) : "none";
}

}  // namespace

TEST_CASE("Address: what configurations and servers write [RDS-28]") {
    CHECK(read("redis") == "redis 6379");
    CHECK(read("redis:7000") == "redis 7000");
    CHECK(read("10.0.0.1:1") == "10.0.0.1 1");
    CHECK(read("2001:db8::1") == "2001:db8::1 6379");
    CHECK(read("[2001:db8::1]") == "2001:db8::1 6379");
    CHECK(read("[2001:db8::1]:65535") == "2001:db8::1 65535");
    for (const char* wrong : {"", ":1", "a:", "a:0", "a:65536", "a:1x", "a:-1", "[::1", "[::1]x",
                              "[]:1", "a b:1", "redis://a:1", "u@a:1"})
        CHECK_MESSAGE(read(wrong) == "none", wrong);
    CHECK(read(std::string(256, 'a')) == "none");
    CHECK(to_text(*parse_address("[::1]:6379")) == "[::1]:6379");
    CHECK(to_text(*parse_address("a:2")) == "a:2");
}

}  // namespace confab::redis
