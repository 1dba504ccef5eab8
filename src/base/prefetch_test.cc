// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/prefetch.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace confab {
namespace {

constexpr std::array kSteps = {PrefetchStep::kFar, PrefetchStep::kMiddle, PrefetchStep::kNear};

TEST_CASE("prefetch_row: each step of an object is taken once, in order, before its turn") {
    constexpr std::size_t kSize = 20;
    std::vector<std::vector<PrefetchStep>> taken(kSize);
    for (std::size_t at = 0; at < kSize; ++at) {
        if (at >= 6) CHECK(std::ranges::equal(taken[at], kSteps));
        prefetch_row(at, kSize, [&](std::size_t place, PrefetchStep step) {
            REQUIRE(place < kSize);
            CHECK(place > at);
            taken[place].push_back(step);
        });
    }
    // The first ones come too soon for the steps that lie further ahead.
    CHECK(taken[0].empty());
    CHECK(std::ranges::equal(taken[2], std::array{PrefetchStep::kNear}));
    CHECK(std::ranges::equal(taken[5], std::array{PrefetchStep::kMiddle, PrefetchStep::kNear}));
}

TEST_CASE("prefetch_for_write: no address is a fault") {
    int one = 0;
    prefetch_for_write(nullptr, 4096);
    prefetch_for_write(&one, 1'000'000);
    struct {
        int first = 1;
        std::array<char, 500> between{};
        int last = 2;
    } of;
    prefetch_for_write(&of.first, &of.last);
    CHECK(of.first + of.last == 3);
}

}  // namespace
}  // namespace confab
