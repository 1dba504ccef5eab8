// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How long packets wait in a queue that stays: the smallest one-way delay of the last 200 ms above
// the smallest of the last ten seconds. Jitter lets some packets through at once, a queue none
// (as CoDel judges, RFC 8289 §3). The clocks need not agree.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "base/time.h"

namespace confab::bwe {

class StandingDelay {
  public:
    static constexpr Duration kWindow = Duration::millis(200);
    static constexpr Duration kMemory = Duration::seconds(10);
    static constexpr Duration kAbsurd = Duration::seconds(3);  // a clock that was set, no queue
    // A way that is longer from one moment to the next and stays so is no queue, which takes time
    // to grow: a network or its route has changed.
    static constexpr Duration kStepWindow = Duration::seconds(2);  // with an outage between them
    static constexpr Duration kStep = Duration::millis(20);
    static constexpr Duration kLevel = Duration::millis(10);  // or an eighth of the step
    static constexpr int kSlicesBefore = 4;
    static constexpr int kSlicesBehind = 4;

    void add(Timestamp sent, Duration arrival) {
        const Duration delay = arrival - (sent - Timestamp());
        lowest_.add(sent, delay);
        recent_.add(sent, delay);
        slices_.add(sent, delay);
        newest_ = std::max(newest_, sent);
    }
    void lost(Timestamp sent) { lost_ = lost_.is_never() ? sent : std::max(lost_, sent); }
    Duration value() const {
        if (!recent_.known()) return Duration::zero();
        return std::max(recent_.least() - lowest_.least(), Duration::zero());
    }

    // Once per feedback: what is measured against is what it was, or begins anew.
    void look() {
        if (value() > kAbsurd) *this = StandingDelay();
        if (newest_ < next_step_) return;
        const auto longer = stepped();
        if (!longer) return;
        lowest_ = Least<11>(kMemory);
        lowest_.add(newest_, *longer);
        // What makes several is the traffic of others.
        next_step_ = newest_ + kMemory;
    }

  private:
    struct Level {
        Duration least = Duration::max();
        Duration most = Duration::zero() - Duration::max();
        int slices = 0;
        Timestamp since;
        void add(Duration delay, Timestamp at) {
            least = std::min(least, delay);
            most = std::max(most, delay);
            ++slices;
            since = at;
        }
    };
    // Two levels and nothing between them: the newer, higher one.
    std::optional<Duration> stepped() const {
        Level behind, before;
        slices_.newest_first([&](Duration delay, Timestamp at) {
            const bool lower = behind.slices >= kSlicesBehind && behind.least - delay >= kStep;
            if (!lower && before.slices == 0)
                behind.add(delay, at);
            else if (before.slices < kSlicesBefore)
                before.add(delay, at);
        });
        if (before.slices < kSlicesBefore) return std::nullopt;
        // Of what fills a queue at once some is lost.
        if (!lost_.is_never() && lost_ >= behind.since) return std::nullopt;
        const Duration step = behind.least - before.most;
        const Duration level = std::max(kLevel, step / 8);
        const bool is_level =
            behind.most - behind.least <= level && before.most - before.least <= level;
        if (step < kStep || !is_level) return std::nullopt;
        return behind.least;
    }

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
        // Calls visit(delay, its begin) for each slice of which something is known.
        template <typename Visit>
        void newest_first(const Visit& visit) const {
            for (std::size_t age = 0; known_ && age < kSlices; ++age) {
                const auto number = newest_ - static_cast<std::int64_t>(age);
                const Duration delay = least_[static_cast<std::size_t>(number) % kSlices];
                if (delay != Duration::max()) visit(delay, Timestamp() + slice_ * number);
            }
        }

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
    Least<41> slices_{kStepWindow};
    Timestamp newest_;
    Timestamp next_step_;
    Timestamp lost_ = Timestamp::never();  // the last one
};

}  // namespace confab::bwe
