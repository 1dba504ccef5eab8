// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A bounded first-in first-out queue in one array, for the outputs of machines.
// push() on a full ring refuses (returns false): the owner names its overflow policy.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include "base/check.h"

namespace confab {

template <typename T, std::size_t N>
class Ring {
  public:
    static_assert(N > 0 && (N & (N - 1)) == 0, "a power of two");

    bool push(T value) {
        if (full()) return false;
        slots_[(head_ + size_) & (N - 1)] = std::move(value);
        ++size_;
        return true;
    }
    std::optional<T> pop() {
        if (empty()) return std::nullopt;
        std::optional<T> value(std::move(slots_[head_]));
        head_ = (head_ + 1) & (N - 1);
        --size_;
        return value;
    }
    T& front() {
        CONFAB_DCHECK(!empty());
        return slots_[head_];
    }
    const T& operator[](std::size_t i) const { return slots_[(head_ + i) & (N - 1)]; }
    bool empty() const { return size_ == 0; }
    bool full() const { return size_ == N; }
    std::size_t size() const { return size_; }
    void clear() {
        while (!empty())
            (void)pop();
    }

  private:
    std::array<T, N> slots_{};
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

}  // namespace confab
