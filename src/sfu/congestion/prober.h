// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The pace of one probe: equal rounds of bytes at equal distances over its duration (02 BWE-11).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace confab::sfu {

class Prober {
  public:
    static constexpr Duration kBucket = Duration::millis(20);  // rounds come no closer
    static constexpr Duration kMinGap = Duration::millis(10);  // after a late round
    static constexpr std::size_t kMinRound = 1100;             // bytes

    // `bits_per_second` on top of what is sent anyway. `between`: it is measured by when packets
    // leave and arrive, so that one round is beside it: the last has no time to leave in, the first
    // none to arrive in.
    void start(std::uint64_t bits_per_second, Duration duration, Timestamp now,
               bool between = false);
    void stop() { rounds_left_ = 0; }
    // Ends a probe whose rounds were not fetched in time.
    void handle_timeout(Timestamp now) {
        if (now >= end_) stop();
    }
    bool running() const { return rounds_left_ > 0; }
    // Bytes of the round that is due, 0 for none; takes it.
    std::size_t poll(Timestamp now);
    // What was sent for the round polled last: whole packets may be more than that, and the next
    // rounds are less for it.
    void note_sent(std::size_t bytes) { ahead_ += bytes > asked_ ? bytes - asked_ : 0; }
    Timestamp next_deadline() const { return running() ? next_ : Timestamp::never(); }

  private:
    std::size_t rounds_left_ = 0;
    std::size_t round_bytes_ = 0;
    std::size_t asked_ = 0;  // bytes of the round polled last
    std::size_t ahead_ = 0;  // bytes sent before their round
    Duration interval_;
    Timestamp next_ = Timestamp::never();
    Timestamp end_ = Timestamp::never();
};

}  // namespace confab::sfu
