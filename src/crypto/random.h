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

// A fast generator with an unpredictable seed, for jitter and SSRCs but not for secrets.
Rng seeded_rng();

}  // namespace confab::crypto
