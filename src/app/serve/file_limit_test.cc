// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/file_limit.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

namespace confab::app {

TEST_CASE("connection_limit: as configured, as long as files remain for media and webhooks") {
    CHECK(connection_limit(1000, 4096) == 1000);
    CHECK(connection_limit(65'536, 1'048'576) == 65'536);
    CHECK(connection_limit(65'536, 4096) == 3072);
    CHECK(connection_limit(65'536, 0) == 16);
}

TEST_CASE("raise_file_limit: the soft limit becomes the hard one") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit low = before;
    low.rlim_cur = 256;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    const std::size_t files = raise_file_limit();
    rlimit after{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &after) == 0);
    CHECK(after.rlim_cur == files);
    CHECK(files > 256);
    CHECK(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

}  // namespace confab::app
