// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Bounded queue between exactly two threads, without locks (02 DES-40, §10.9). The consumer may
// announce that it sleeps; the producer then rings its bell once (DES-42).
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "base/check.h"

namespace confab::worker {

template <typename T>
class SpscRing {
  public:
    // Capacity is rounded up to a power of two.
    explicit SpscRing(std::size_t capacity) {
        std::size_t size = 2;
        while (size < capacity)
            size *= 2;
        mask_ = size - 1;
        slots_ = std::make_unique<T[]>(size);
    }

    // Producer: the slot to fill next, null when full; publish() makes it visible.
    T* claim() {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head - cached_tail_ > mask_) {
            cached_tail_ = tail_.load(std::memory_order_acquire);
            if (head - cached_tail_ > mask_) return nullptr;
        }
        return &slots_[head & mask_];
    }
    void publish() {
        CONFAB_DCHECK(head_.load(std::memory_order_relaxed) - cached_tail_ <= mask_);  // claimed
        head_.store(head_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
    // Producer: can so many be claimed, one after the other?
    bool has_room_for(std::size_t count) {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        if (head - cached_tail_ + count <= mask_ + 1) return true;
        cached_tail_ = tail_.load(std::memory_order_acquire);
        return head - cached_tail_ + count <= mask_ + 1;
    }
    bool push(T&& value) {
        T* slot = claim();
        if (slot == nullptr) return false;
        *slot = std::move(value);
        publish();
        return true;
    }

    // Consumer: the oldest slot, null when empty; release() gives it back.
    T* front() {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail == cached_head_) {
            cached_head_ = head_.load(std::memory_order_acquire);
            if (tail == cached_head_) return nullptr;
        }
        return &slots_[tail & mask_];
    }
    void release() {
        CONFAB_DCHECK(tail_.load(std::memory_order_relaxed) != cached_head_);  // there was a front
        tail_.store(tail_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
    bool empty() const {
        return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
    }

  private:
    std::unique_ptr<T[]> slots_;
    std::size_t mask_ = 0;
    alignas(64) std::atomic<std::size_t> head_{0};
    std::size_t cached_tail_ = 0;  // producer's copy
    alignas(64) std::atomic<std::size_t> tail_{0};
    std::size_t cached_head_ = 0;  // consumer's copy
};

}  // namespace confab::worker
