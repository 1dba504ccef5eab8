// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/rng.h"

#include <bit>

namespace confab {
namespace {
// splitmix64, which spreads a seed over the whole state.
std::uint64_t split_mix(std::uint64_t& x) {
    std::uint64_t z = (x += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
}
}  // namespace

Rng::Rng(std::uint64_t seed) {
    for (auto& word : state_)
        word = split_mix(seed);
}

std::uint64_t Rng::u64() {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

std::uint64_t Rng::below(std::uint64_t bound) {
    if (bound == 0) return 0;
    // The bias of a plain remainder is removed by rejecting the last incomplete block.
    const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % bound);
    std::uint64_t value = u64();
    while (value >= limit)
        value = u64();
    return value % bound;
}

void Rng::fill(BytesSpan out) {
    std::size_t i = 0;
    while (i < out.size()) {
        std::uint64_t word = u64();
        for (int k = 0; k < 8 && i < out.size(); ++k, ++i, word >>= 8)
            out[i] = static_cast<std::uint8_t>(word);
    }
}

}  // namespace confab
