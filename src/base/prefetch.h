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

// From one member of an object to a later one, the first octet of it included.
inline void prefetch_for_write(const void* first, const void* last) {
    const auto* const begin = static_cast<const char*>(first);
    const auto* const end = static_cast<const char*>(last);
    prefetch_for_write(first, static_cast<std::size_t>(end - begin) + 1);
}

// What stands next in a row of objects is fetched in steps, since each step needs the pointers that
// the one before has fetched: kFar the object, kMiddle its parts, kNear what these point to.
enum class PrefetchStep : unsigned char { kFar, kMiddle, kNear };

// While the object at `place` of `size` is worked on: `fetch(place, step)` of those behind it.
template <typename Fetch>
void prefetch_row(std::size_t place, std::size_t size, const Fetch& fetch) {
    if (place + 6 < size) fetch(place + 6, PrefetchStep::kFar);
    if (place + 4 < size) fetch(place + 4, PrefetchStep::kMiddle);
    if (place + 2 < size) fetch(place + 2, PrefetchStep::kNear);
}

}  // namespace confab
