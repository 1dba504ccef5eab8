// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A ring that its producer makes with the first message: most pairs of threads never talk, and the
// rings of sixteen workers would take half a gigabyte.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "runtime/worker/spsc_ring.h"

namespace confab::worker {

template <typename T>
class LazyRing {
  public:
    explicit LazyRing(std::size_t capacity) : capacity_(capacity) {}
    LazyRing(const LazyRing&) = delete;
    LazyRing& operator=(const LazyRing&) = delete;

    // Producer only; both sides have ended when this goes.
    SpscRing<T>& producer() {
        if (!owner_) {
            owner_ = std::make_unique<SpscRing<T>>(capacity_);
            ring_.store(owner_.get(), std::memory_order_release);
        }
        return *owner_;
    }
    // Anybody; null before the first message.
    SpscRing<T>* consumer() const { return ring_.load(std::memory_order_acquire); }
    bool empty() const {
        const SpscRing<T>* ring = consumer();
        return ring == nullptr || ring->empty();
    }

  private:
    std::size_t capacity_;
    std::unique_ptr<SpscRing<T>> owner_;
    std::atomic<SpscRing<T>*> ring_{nullptr};
};

}  // namespace confab::worker
