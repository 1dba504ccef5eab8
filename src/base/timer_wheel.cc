// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/timer_wheel.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace confab {
namespace {
constexpr std::size_t slot_index(std::int64_t slot) {
    return static_cast<std::size_t>(slot & 255);
}
// The first millisecond at which the deadline has passed.
std::int64_t tick_of(Timestamp deadline) {
    return (deadline.us() + 999) / 1000;
}
}  // namespace

TimerWheel::TimerWheel(Timestamp now) : tick_(now.us() / 1000) {
    const auto make_head = [](TimerNode& head) { head.next_ = head.previous_ = &head; };
    for (auto& level : slots_)
        for (auto& head : level)
            make_head(head);
    make_head(due_);
}

TimerWheel::~TimerWheel() {
    for (auto& level : slots_)
        for (auto& head : level)
            while (head.next_ != &head)
                head.next_->unlink();
    while (due_.next_ != &due_)
        due_.next_->unlink();
}

void TimerWheel::link(TimerNode& head, TimerNode& node) {
    CONFAB_DCHECK(!node.scheduled());  // a node in two lists would tear both
    node.previous_ = head.previous_;
    node.next_ = &head;
    head.previous_->next_ = &node;
    head.previous_ = &node;
    node.count_ = &size_;
    ++size_;
}

void TimerWheel::place_in(int level, std::size_t slot, TimerNode& node) {
    const auto row = static_cast<std::size_t>(level);
    link(slots_[row][slot], node);
    occupied_[row][slot / 64] |= std::uint64_t{1} << (slot % 64);
}

void TimerWheel::place(TimerNode& node) {
    const std::int64_t tick = tick_of(node.deadline_);
    if (tick <= tick_) return link(due_, node);
    for (int level = 0; level < kLevels; ++level) {
        const int shift = kBits * level;
        // Within one turn of this level, counted in its own slots.
        if ((tick >> shift) - (tick_ >> shift) < static_cast<std::int64_t>(kSlots))
            return place_in(level, slot_index(tick >> shift), node);
    }
    // Beyond the last level: parked in its farthest slot and placed again from there.
    constexpr int kShift = kBits * (kLevels - 1);
    place_in(kLevels - 1, slot_index((tick_ >> kShift) - 1), node);
}

void TimerWheel::schedule(TimerNode& node, Timestamp deadline) {
    if (node.scheduled() && node.deadline_ == deadline) return;
    node.unlink();
    node.deadline_ = deadline;
    if (!deadline.is_never()) place(node);
}

void TimerWheel::cascade(int level) {
    TimerNode& head = slots_[static_cast<std::size_t>(level)][slot_index(tick_ >> (kBits * level))];
    TimerNode list;
    if (head.next_ == &head) return;
    // The list is taken off first: nodes may be placed into the same slot again.
    list.next_ = head.next_;
    list.previous_ = head.previous_;
    list.next_->previous_ = &list;
    list.previous_->next_ = &list;
    head.next_ = head.previous_ = &head;
    while (list.next_ != &list) {
        TimerNode& node = *list.next_;
        node.unlink();
        place(node);
    }
    list.next_ = list.previous_ = nullptr;
}

TimerNode* TimerWheel::pop_due(Timestamp now) {
    const std::int64_t target = now.us() / 1000;
    while (due_.next_ == &due_) {
        if (tick_ >= target) return nullptr;
        // Nothing happens before the next occupied slot begins.
        const Timestamp next = next_deadline();
        tick_ = next.is_never() ? target : std::min(target, next.us() / 1000);
        for (int level = kLevels - 1; level > 0; --level)
            if ((tick_ & ((std::int64_t{1} << (kBits * level)) - 1)) == 0) cascade(level);
        cascade(0);
    }
    TimerNode* node = due_.next_;
    CONFAB_DCHECK(node->deadline_ <= now);  // never early
    node->unlink();
    return node;
}

std::optional<std::int64_t> TimerWheel::next_occupied(int level) const {
    const std::int64_t current = tick_ >> (kBits * level);
    auto& words = occupied_[static_cast<std::size_t>(level)];
    for (std::int64_t ahead = 1; ahead <= static_cast<std::int64_t>(kSlots);) {
        const std::size_t index = slot_index(current + ahead);
        const std::uint64_t rest = words[index / 64] >> (index % 64);
        if (rest == 0) {
            ahead += static_cast<std::int64_t>(64 - index % 64);
            continue;
        }
        const int skipped = std::countr_zero(rest);
        if (skipped == 0) {
            const TimerNode& head = slots_[static_cast<std::size_t>(level)][index];
            if (head.next_ != &head) return current + ahead;
            words[index / 64] &= ~(std::uint64_t{1} << (index % 64));  // its nodes have left
        }
        ahead += std::max(skipped, 1);
    }
    return std::nullopt;
}

Timestamp TimerWheel::next_deadline() const {
    if (due_.next_ != &due_) return Timestamp::micros(tick_ * 1000);
    // A node of a higher level may come before one of a lower level that was placed later.
    Timestamp next = Timestamp::never();
    for (int level = 0; level < kLevels; ++level)
        if (const auto slot = next_occupied(level))
            next = std::min(next, Timestamp::micros((*slot << (kBits * level)) * 1000));
    return next;
}

}  // namespace confab
