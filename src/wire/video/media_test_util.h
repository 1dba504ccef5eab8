// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of this folder: literal bytes, and every prefix of an input in memory of exactly
// its own size, so that a sanitizer sees a read behind the end.
#pragma once

#include <doctest/doctest.h>

#include <string_view>

#include "base/bytes.h"
#include "base/rng.h"
#include "base/text.h"

namespace confab::wire {

inline Bytes hex(std::string_view text) {
    const auto bytes = from_hex(text);
    REQUIRE(bytes.has_value());
    return *bytes;
}

// Calls visit(prefix) for the lengths 0 to size − 1.
template <typename Visit>
void for_each_prefix(BytesView bytes, Visit visit) {
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const Bytes prefix(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
        visit(BytesView(prefix));
    }
}

inline Bytes random_bytes(Rng& rng, std::size_t max_size) {
    Bytes bytes(rng.below(max_size + 1));
    rng.fill(bytes);
    return bytes;
}
inline bool coin(Rng& rng) {
    return rng.below(2) == 0;
}
inline std::uint8_t random_u8(Rng& rng, std::uint64_t bound) {
    return static_cast<std::uint8_t>(rng.below(bound));
}

}  // namespace confab::wire
