// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/rtp/nack_tracker.h"

#include <algorithm>

#include "base/check.h"

namespace confab::rtp {

void NackTracker::remove_oldest(std::size_t count) {
    std::move(list_.begin() + static_cast<std::ptrdiff_t>(count),
              list_.begin() + static_cast<std::ptrdiff_t>(size_), list_.begin());
    size_ -= count;
    abandoned_ += count;
}

void NackTracker::add_gap(Timestamp now, std::int64_t first, std::int64_t last) {
    constexpr auto kMax = static_cast<std::int64_t>(kMaxMissing);
    if (last <= first) return;
    if (last - first > kMax) {
        abandoned_ += static_cast<std::uint64_t>(last - first - kMax);
        first = last - kMax;
    }
    const auto count = static_cast<std::size_t>(last - first);
    CONFAB_DCHECK(size_ == 0 || list_[size_ - 1].sequence < first);  // received() searches it
    if (size_ + count > kMaxMissing) remove_oldest(size_ + count - kMaxMissing);
    for (std::int64_t sequence = first; sequence < last; ++sequence)
        list_[size_++] = {sequence, now, now + kFirstDelay, 0};
}

bool NackTracker::received(std::int64_t sequence) {
    const auto end = list_.begin() + static_cast<std::ptrdiff_t>(size_);
    const auto found =
        std::lower_bound(list_.begin(), end, sequence,
                         [](const Missing& m, std::int64_t value) { return m.sequence < value; });
    if (found == end || found->sequence != sequence) return false;
    std::move(found + 1, end, found);
    --size_;
    return true;
}

void NackTracker::update_rtt(Duration rtt) {
    if (rtt <= Duration::zero() || rtt > Duration::seconds(10)) return;
    rtt_ = rtt.scaled(0.75) + rtt_.scaled(0.25);
}

Duration NackTracker::delay_after(std::uint32_t tries) const {
    Duration delay = rtt_;
    for (std::uint32_t i = 1; i < tries; ++i)
        delay = delay.scaled(1.25);
    return std::clamp(delay, kFirstDelay, kMaxDelay);
}

std::size_t NackTracker::collect(Timestamp now, std::span<std::uint16_t> out) {
    std::size_t count = 0;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i) {
        Missing& m = list_[i];
        const bool due = now >= m.next_try;
        if ((due && m.tries >= kMaxTries) || now - m.since > kLifetime) {
            ++abandoned_;
            continue;
        }
        if (due && count < out.size()) {
            out[count++] = static_cast<std::uint16_t>(m.sequence);
            m.next_try = now + delay_after(++m.tries);
        }
        list_[kept++] = m;
    }
    size_ = kept;
    return count;
}

}  // namespace confab::rtp
