// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The seeded generator that every machine gets passed (07 SIO-01): xoshiro256++ (Blackman, Vigna).
// Not for secrets by itself: production seeds it from the operating system (crypto/random.h gives
// key material), the simulator from its seed.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace confab {

class Rng {
  public:
    explicit Rng(std::uint64_t seed);

    std::uint64_t u64();
    std::uint32_t u32() { return static_cast<std::uint32_t>(u64() >> 32); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(u64() >> 48); }
    // Uniform in [0, bound); 0 when bound is 0.
    std::uint64_t below(std::uint64_t bound);
    // Uniform in [0, 1).
    double unit() { return static_cast<double>(u64() >> 11) * 0x1.0p-53; }
    void fill(BytesSpan out);
    // An independent generator for a child machine.
    Rng fork() { return Rng(u64()); }

  private:
    std::uint64_t state_[4];
};

}  // namespace confab
