// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// When the packets of one subscriber may leave (02 §4.2, §10.8): as fast as the estimated link
// takes them, in bursts of 5 ms, so that one segmented send carries several. Sound is counted and
// never waits for it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "sfu/congestion/capacity.h"

namespace confab::sfu {

class Pacer {
  public:
    static constexpr Duration kBurst = Duration::millis(5);
    // What waits is sent faster where it would wait longer, and nothing that went before, repairs
    // above all, holds it back for longer.
    static constexpr Duration kLongestWait = Duration::millis(500);

    // `waiting`: bytes that wait; kUnlimitedCapacity: nothing waits.
    void set_rate(std::uint64_t bits_per_second, std::size_t waiting) {
        limited_ = bits_per_second < kUnlimitedCapacity;
        const auto in_time = static_cast<std::uint64_t>(static_cast<double>(waiting) * 8 /
                                                        kLongestWait.to_seconds());
        // Until nothing waits: what is left would otherwise take ever longer.
        raised_ = waiting == 0 ? 0 : std::max(raised_, in_time);
        rate_ = std::max<std::uint64_t>({bits_per_second, raised_, 1});
    }
    bool may_send(Timestamp now) const { return !limited_ || free_at_ < now + kBurst; }
    // When the next packet may leave, if none may now.
    Timestamp next_send() const { return free_at_; }
    // A packet left: how long the link has to do with it.
    void sent(Timestamp now, std::size_t bytes) {
        if (!limited_) return;
        const auto us = static_cast<std::int64_t>(bytes * 8'000'000 / rate_);
        free_at_ = std::min(std::max(free_at_, now) + Duration::micros(us), now + kLongestWait);
    }

  private:
    bool limited_ = false;
    std::uint64_t raised_ = 0;
    std::uint64_t rate_ = 1;
    Timestamp free_at_;  // the link has sent what was given to it
};

}  // namespace confab::sfu
