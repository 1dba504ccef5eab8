// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The virtual clock of a run (02 DES-51): a heap of events ordered by time and, where times are
// equal, by the order in which they were planned. Time only moves by taking the next event.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/time.h"

namespace confab::sim {

class EventQueue {
  public:
    using Action = std::function<void()>;

    explicit EventQueue(Timestamp start) : now_(start) {}

    Timestamp now() const { return now_; }
    std::uint64_t taken() const { return taken_; }
    std::size_t size() const { return heap_.size(); }

    // A time in the past means now; never() is not planned at all.
    void plan(Timestamp at, Action action) {
        if (at.is_never()) return;
        heap_.push_back({std::max(at, now_), next_sequence_++, std::move(action)});
        std::push_heap(heap_.begin(), heap_.end(), later);
    }
    // Runs the next event if it is not after `end`; else moves the clock to `end` and is false.
    bool step(Timestamp end) {
        if (heap_.empty() || heap_.front().at > end) {
            now_ = std::max(now_, end);
            return false;
        }
        std::pop_heap(heap_.begin(), heap_.end(), later);
        const Event event = std::move(heap_.back());
        heap_.pop_back();
        now_ = event.at;
        ++taken_;
        event.action();
        return true;
    }

  private:
    struct Event {
        Timestamp at;
        std::uint64_t sequence = 0;
        Action action;
    };
    static bool later(const Event& a, const Event& b) {
        return std::pair(a.at, a.sequence) > std::pair(b.at, b.sequence);
    }

    Timestamp now_;
    std::uint64_t next_sequence_ = 0;
    std::uint64_t taken_ = 0;
    std::vector<Event> heap_;
};

}  // namespace confab::sim
