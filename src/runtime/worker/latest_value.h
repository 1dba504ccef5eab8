// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The newest value of one writer for one reader, without locks and without waiting: three slots, of
// which one is the writer's, one the reader's, and the one between is exchanged ("triple buffer").
// What the reader did not look at in time is overwritten.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace confab::worker {

template <typename T>
class LatestValue {
  public:
    // Writer: fill it, then publish(). Holds an older value until then.
    T& back() { return slots_[back_]; }
    void publish() {
        back_ =
            middle_.exchange(static_cast<std::uint8_t>(back_ | kFresh), std::memory_order_acq_rel) &
            kIndex;
    }

    // Reader: the newest published value; it stays as it is until the next call.
    const T& read() {
        if ((middle_.load(std::memory_order_relaxed) & kFresh) != 0)
            front_ = middle_.exchange(front_, std::memory_order_acq_rel) & kIndex;
        return slots_[front_];
    }

  private:
    static constexpr std::uint8_t kIndex = 3;
    static constexpr std::uint8_t kFresh = 4;

    std::array<T, 3> slots_{};
    std::uint8_t back_ = 0;               // writer
    alignas(64) std::uint8_t front_ = 1;  // reader
    alignas(64) std::atomic<std::uint8_t> middle_{2};
};

}  // namespace confab::worker
