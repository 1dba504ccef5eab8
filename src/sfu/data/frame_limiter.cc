// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/frame_limiter.h"

#include <algorithm>

namespace confab::sfu {

bool FrameLimiter::passes(Timestamp now, std::uint16_t frame) {
    if (interval_ <= Duration()) return true;
    const auto known = std::find_if(recent_.begin(), recent_.end(), [&](const Verdict& verdict) {
        return verdict.known && verdict.frame == frame;
    });
    if (known != recent_.end()) return known->passes;
    // Frames come a little early and late; over time there are no more than were asked for.
    const bool passes = now + interval_ / 4 >= next_;
    if (passes) next_ = std::max(next_ + interval_, now + interval_ * std::int64_t{3} / 4);
    recent_[oldest_] = {true, passes, frame};
    oldest_ = (oldest_ + 1) % recent_.size();
    return passes;
}

}  // namespace confab::sfu
