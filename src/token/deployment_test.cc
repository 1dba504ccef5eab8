// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "token/deployment.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::token {

TEST_CASE("Deployment: 64 bytes, without underscore and blanks [WRK-02] [API-40]") {
    CHECK(deployment_error("").empty());
    CHECK(deployment_error("blue-1.2").empty());
    CHECK(deployment_error("grün").empty());
    CHECK(deployment_error(std::string(63, 'a')).empty());
    CHECK(deployment_error(std::string(64, 'a')).empty());
    CHECK(deployment_error(std::string(65, 'a')) == "deployment exceeds 64 bytes");
    CHECK(deployment_error("a_b") == "deployment contains reserved character '_'");
    for (const char blank : {' ', '\t', '\n', '\x01', '\x7F'})
        CHECK(deployment_error(std::string("a") + blank) == "deployment contains whitespace");
    CHECK(deployment_error(std::string("a\0b", 3)) == "deployment contains whitespace");
    CHECK(deployment_error("a~b").empty());
}

}  // namespace confab::token
