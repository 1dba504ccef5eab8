// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How long packets wait in a queue that stays: the smallest one-way delay of the last 200 ms above
// the smallest of the last ten seconds. Jitter lets some packets through at once, a queue none
// (as CoDel judges, RFC 8289 §3). The clocks need not agree.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "rtc/bwe/delay_step.h"

namespace confab::bwe {

class StandingDelay {
  public:
    static constexpr Duration kWindow = Duration::millis(200);
    static constexpr Duration kMemory = Duration::seconds(10);
    static constexpr Duration kAbsurd = Duration::seconds(3);  // a clock that was set, no queue

    void add(Timestamp sent, Duration arrival, std::uint32_t bytes) {
        const Duration delay = arrival - (sent - Timestamp());
        lowest_.add(sent, delay);
        recent_.add(sent, delay);
        step_.add(sent, delay, bytes);
        newest_ = std::max(newest_, sent);
    }
    void lost(Timestamp sent) { step_.lost(sent); }
    Duration value() const {
        if (!recent_.known()) return Duration::zero();
        return std::max(recent_.least() - lowest_.least(), Duration::zero());
    }

    // Once per feedback: what is measured against is what it was, or begins anew.
    void look() {
        if (value() > kAbsurd) *this = StandingDelay();
        if (newest_ < next_step_) return;
        // A longer way is no queue.
        const auto longer = step_.find();
        if (!longer) return;
        lowest_ = Least<11>(kMemory);
        lowest_.add(newest_, *longer);
        // What makes several is the traffic of others.
        next_step_ = newest_ + kMemory;
    }

  private:
    // The least of a sliding window, kept for slices of it.
    template <std::size_t kSlices>
    class Least {
      public:
        explicit Least(Duration window) : slice_(window / static_cast<std::int64_t>(kSlices - 1)) {}
        void add(Timestamp at, Duration delay) {
            const std::int64_t number = at.us() / slice_.us();
            if (!known_ || number > newest_ + static_cast<std::int64_t>(kSlices))
                least_.fill(Duration::max());
            else
                for (std::int64_t n = newest_ + 1; n <= number; ++n)
                    slot(n) = Duration::max();
            if (known_ && number <= newest_ - static_cast<std::int64_t>(kSlices)) return;
            newest_ = known_ ? std::max(newest_, number) : number;
            known_ = true;
            slot(number) = std::min(slot(number), delay);
        }
        bool known() const { return known_; }
        Duration least() const { return *std::min_element(least_.begin(), least_.end()); }

      private:
        Duration& slot(std::int64_t number) {
            return least_[static_cast<std::size_t>(number) % kSlices];
        }
        Duration slice_;
        std::array<Duration, kSlices> least_{};
        std::int64_t newest_ = 0;
        bool known_ = false;
    };

    Least<11> lowest_{kMemory};
    Least<5> recent_{kWindow};
    DelayStep step_;
    Timestamp newest_;
    Timestamp next_step_;
};

}  // namespace confab::bwe
