// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests that show a path without heap calls: replaces the global operator new and counts its
// calls on a thread while counting is on. Included by one file of a test program at most.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace confab::testing {

inline thread_local bool counting_allocations = false;
inline thread_local std::size_t allocations = 0;

inline void* counted_allocate(std::size_t size, std::size_t alignment) {
    if (counting_allocations) ++allocations;
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    void* const p = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
    if (p == nullptr) std::abort();
    return p;
}

}  // namespace confab::testing

void* operator new(std::size_t size) {
    return confab::testing::counted_allocate(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return confab::testing::counted_allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept {
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
    std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
    std::free(p);
}
