// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Hierarchical timer wheel (Varghese and Lauck; 02 §10.8): insert, move and cancel in constant
// time, no allocation. Three levels: 1 ms × 256, 256 ms × 256, 65.5 s × 256. A timer never fires
// early and at most one millisecond late; those beyond 4.6 hours are looked at again when that time
// is over.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/time.h"

namespace confab {

// A member of what is to be woken. Removed from its wheel by its destructor.
class TimerNode {
  public:
    TimerNode() = default;
    explicit TimerNode(void* owner) : owner_(owner) {}
    TimerNode(const TimerNode&) = delete;
    TimerNode& operator=(const TimerNode&) = delete;
    ~TimerNode() { unlink(); }

    bool scheduled() const { return next_ != nullptr; }
    Timestamp deadline() const { return deadline_; }
    void* owner() const { return owner_; }

  private:
    friend class TimerWheel;
    void unlink() {
        if (next_ == nullptr) return;
        previous_->next_ = next_;
        next_->previous_ = previous_;
        next_ = previous_ = nullptr;
        if (count_ != nullptr) --*std::exchange(count_, nullptr);
    }
    TimerNode* next_ = nullptr;
    TimerNode* previous_ = nullptr;
    Timestamp deadline_ = Timestamp::never();
    void* owner_ = nullptr;
    std::size_t* count_ = nullptr;  // of the wheel that it is in
};

class TimerWheel {
  public:
    explicit TimerWheel(Timestamp now);
    ~TimerWheel();
    TimerWheel(const TimerWheel&) = delete;
    TimerWheel& operator=(const TimerWheel&) = delete;

    // Moves the node to `deadline`; never() cancels it.
    void schedule(TimerNode& node, Timestamp deadline);
    // The next node that is due at `now`, taken out of the wheel; null when there is none left.
    TimerNode* pop_due(Timestamp now);
    // Not later than the earliest deadline, and never() when the wheel is empty.
    Timestamp next_deadline() const;
    // Nodes that wait.
    std::size_t size() const { return size_; }

  private:
    static constexpr std::size_t kSlots = 256;
    static constexpr int kLevels = 3;
    static constexpr int kBits = 8;

    void place(TimerNode& node);
    void place_in(int level, std::size_t slot, TimerNode& node);
    // The first slot after the current one that holds a node, counted in slots of the level.
    std::optional<std::int64_t> next_occupied(int level) const;
    void cascade(int level);
    void link(TimerNode& head, TimerNode& node);

    std::array<std::array<TimerNode, kSlots>, kLevels> slots_;  // list heads
    // A set bit may be of a slot that its nodes have left, a clear one is of an empty slot.
    mutable std::array<std::array<std::uint64_t, kSlots / 64>, kLevels> occupied_{};
    TimerNode due_;
    std::int64_t tick_;  // milliseconds handled so far
    std::size_t size_ = 0;
};

}  // namespace confab
