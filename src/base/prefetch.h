// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Hints to the processor: memory that will be needed some hundred nanoseconds later is fetched
// while something else is worked on. Never a fault, whatever the address.
#pragma once

#include <cstddef>

namespace confab {

inline void prefetch_for_write(const void* address, std::size_t size = 1) {
    constexpr std::size_t kLine = 64;
    if (address == nullptr) return;
    const char* const first = static_cast<const char*>(address);
    for (std::size_t at = 0; at < size; at += kLine)
        __builtin_prefetch(first + at, 1);
    __builtin_prefetch(first + size - 1, 1);
}

}  // namespace confab
