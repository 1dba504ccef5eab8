// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/processors.h"

#include <doctest/doctest.h>
#include <sched.h>

#include <algorithm>
#include <thread>

namespace confab::worker {
namespace {

TEST_CASE("processors: the first one is left to everything else, or nobody has one of its own") {
    CHECK(processor_of({0, 1, 2}, 0, 2) == 1);
    CHECK(processor_of({0, 1, 2}, 1, 2) == 2);
    CHECK(processor_of({0, 1, 2}, 0, 3) == -1);
    CHECK(processor_of({5, 9}, 0, 1) == 9);
    CHECK(processor_of({1}, 0, 1) == -1);
}

TEST_CASE("processors: those that the process may use, not all of the machine") {
    const std::vector<int> all = allowed_processors();
    REQUIRE(!all.empty());
    CHECK(std::is_sorted(all.begin(), all.end()));
    const int last = all.back();
    std::vector<int> left;
    // The mask is the thread's, and ends with it.
    std::thread([&] {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<std::size_t>(last), &one);
        REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
        left = allowed_processors();
    }).join();
    CHECK(left == std::vector<int>{last});
}

}  // namespace
}  // namespace confab::worker
