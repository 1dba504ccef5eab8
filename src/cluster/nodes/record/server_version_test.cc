// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/record/server_version.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::cluster::nodes {

TEST_CASE("Versions are compared by their numbers [RDS-01]") {
    CHECK(is_newer("1.13.5", "0.0.0") == true);
    CHECK(is_newer("1.13.5", "1.9.9") == true);
    CHECK(is_newer("1.13.5", "1.13.5") == false);
    CHECK(is_newer("1.13.5", "1.13.6") == false);
    CHECK(is_newer("2.0.0", "10.0.0") == false);
    CHECK(is_newer("v1.2.3+build", "1.2.3") == false);
    // semver.org §11
    const char* const rising[] = {"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
                                  "1.0.0-beta",  "1.0.0-beta.2",  "1.0.0-beta.11",
                                  "1.0.0-rc.1",  "1.0.0",         "1.0.1"};
    for (std::size_t i = 0; i < std::size(rising); ++i)
        for (std::size_t j = 0; j < std::size(rising); ++j)
            CHECK(is_newer(rising[i], rising[j]) == (i > j));
}

TEST_CASE("What is no version is not compared [RDS-01]") {
    for (const std::string text :
         {"", "1", "1.2", "1.2.3.4", "1.2.x", "1..2", "-1.2.3", "one", "1.2.99999999999"})
        CHECK_FALSE(is_newer("1.0.0", text));
    CHECK_FALSE(is_newer("1.0.0", std::string(300, '1') + ".0.0"));
    CHECK_FALSE(is_newer("dev", "1.0.0"));
}

}  // namespace confab::cluster::nodes
