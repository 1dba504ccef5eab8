// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/shard/shard_snapshot.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <numeric>

namespace confab::sfu {

TEST_CASE("ShardSnapshot: of two workers each number is the sum [OBS-01]") {
    using Numbers = std::array<std::uint64_t, sizeof(ShardSnapshot) / sizeof(std::uint64_t)>;
    Numbers numbers{};
    std::iota(numbers.begin(), numbers.end(), std::uint64_t{1});
    const auto one = std::bit_cast<ShardSnapshot>(numbers);
    ShardSnapshot both = one;
    both.merge(one);
    const auto sums = std::bit_cast<Numbers>(both);
    for (std::size_t i = 0; i < numbers.size(); ++i)
        CHECK_MESSAGE(sums[i] == 2 * numbers[i], "number ", i);
}

}  // namespace confab::sfu
