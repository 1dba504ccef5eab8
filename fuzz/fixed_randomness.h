// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// OpenSSL's random octets from a generator of ours, which begins anew for each input, so that an
// input does the same in every run. Includes of OpenSSL come after this one.
#pragma once

#define OPENSSL_SUPPRESS_DEPRECATED  // RAND_set_rand_method() has no successor that is as small
#include <openssl/rand.h>

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/rng.h"

namespace confab::fuzz {

inline constexpr std::uint64_t kSeed = 1;
inline Rng g_random{kSeed};

inline int random_octets(unsigned char* out, int size) {
    if (size < 0) return 0;
    g_random.fill({out, static_cast<std::size_t>(size)});
    return 1;
}
inline int add_seed(const void*, int, double) {
    return 1;
}
inline int always_seeded() {
    return 1;
}

inline void fix_randomness() {
    static const RAND_METHOD kMethod{nullptr,  random_octets, nullptr,
                                     add_seed, random_octets, always_seeded};
    CONFAB_CHECK(RAND_set_rand_method(&kMethod) == 1);
    g_random = Rng(kSeed);
}

}  // namespace confab::fuzz
