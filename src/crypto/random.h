// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Unpredictable octets from the operating system's generator, for keys, ids and seeds.
// This is the only random source below runtime/: machines never call it, they get an Rng& that
// the driver seeded with seeded_rng(), so that the simulator stays deterministic (07 SIO-01).
#pragma once

#include <array>
#include <cstddef>

#include "base/bytes.h"
#include "base/rng.h"

namespace confab::crypto {

// Fills all of `out`. Aborts when the system has no entropy source: no key may be made then.
void fill_random(BytesSpan out);

template <std::size_t N>
std::array<std::uint8_t, N> random_bytes() {
    std::array<std::uint8_t, N> out;
    fill_random(out);
    return out;
}

// Unpredictable octets for many small secrets: asking the generator for each costs more than the
// secret. What was given out is wiped; one thread's.
class RandomPool {
  public:
    RandomPool() = default;
    RandomPool(const RandomPool&) = delete;  // two would give the same
    RandomPool& operator=(const RandomPool&) = delete;

    void fill(BytesSpan out);

  private:
    std::array<std::uint8_t, 1024> octets_{};
    std::size_t used_ = octets_.size();
};

// A fast generator with an unpredictable seed, for jitter and SSRCs but not for secrets.
Rng seeded_rng();

}  // namespace confab::crypto
