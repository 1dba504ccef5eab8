// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/bwe/inter_arrival.h"

#include <algorithm>

namespace confab::bwe {

// Packets that come closer together than they were sent stood in a queue that was held: they say
// nothing of its growth one by one.
bool InterArrival::belongs(Timestamp sent, Duration arrival) const {
    const Duration sent_delta = sent - current_->last_sent;
    if (sent_delta == Duration::zero()) return true;
    const Duration gap = arrival - current_->complete;
    if (gap < sent_delta && gap <= kBurstGap && arrival - current_->first_arrival < kMaxBurst)
        return true;
    return sent - current_->first_sent <= kGroup;
}

std::optional<GroupDelta> InterArrival::compare() {
    const GroupDelta delta{current_->last_sent - previous_->last_sent,
                           current_->complete - previous_->complete, current_->complete};
    const Duration told = current_->told - previous_->told;
    if (delta.arrival - told >= kClockJump) {
        reset();
        return std::nullopt;
    }
    if (delta.arrival < Duration::zero()) {
        if (++reordered_ >= kMaxReordered) reset();
        return std::nullopt;
    }
    reordered_ = 0;
    return delta;
}

std::optional<GroupDelta> InterArrival::add(Timestamp sent, Duration arrival, Timestamp now) {
    std::optional<GroupDelta> out;
    if (current_ && sent < current_->first_sent) return out;  // reordered by us or the feedback
    if (current_ && !belongs(sent, arrival)) {
        if (previous_) {
            const int before = reordered_;
            out = compare();
            // The group itself was reordered: the next one is compared with the same as before.
            if (!out && (!current_ || reordered_ > before)) return out;
        }
        previous_ = current_;
        current_.reset();
    }
    if (!current_) current_ = Group{sent, sent, arrival, arrival, now};
    current_->last_sent = std::max(current_->last_sent, sent);
    current_->complete = arrival;
    current_->told = now;
    return out;
}

}  // namespace confab::bwe
