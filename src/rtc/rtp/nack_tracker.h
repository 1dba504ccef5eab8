// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which packets of one incoming stream are missing and when to ask for them (RFC 4585 §6.2.1).
// Evaluated on packet arrival only, never on a timer, so that a stream that stopped is not asked
// for (02 IN-04, TRAP-27).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/state/state.h"
#include "base/time.h"

namespace confab::rtp {

class NackTracker {
  public:
    static constexpr std::size_t kMaxMissing = 100;
    static constexpr std::uint32_t kMaxTries = 5;
    static constexpr Duration kLifetime = Duration::seconds(120);
    static constexpr Duration kFirstDelay = Duration::millis(20);
    static constexpr Duration kMaxDelay = Duration::millis(400);
    static constexpr Duration kDefaultRtt = Duration::millis(70);

    // The packets first, first + 1 … last - 1 were not seen when `last` arrived. Of a gap larger
    // than the list only the newest kMaxMissing are asked for.
    void add_gap(Timestamp now, std::int64_t first, std::int64_t last);
    // `sequence` arrived; true if it was on the list.
    bool received(std::int64_t sequence);
    // Exponential average, 0.75 of the new value (02 §3.1).
    void update_rtt(Duration rtt);
    // Writes the numbers to ask for now, ascending, as 16-bit sequence numbers; gives their count.
    std::size_t collect(Timestamp now, std::span<std::uint16_t> out);

    std::size_t missing() const { return size_; }
    // The highest number that is missing; only while any is.
    std::int64_t newest_missing() const { return list_[size_ - 1].sequence; }
    Duration rtt() const { return rtt_; }
    // Packets given up after the last try.
    std::uint64_t abandoned() const { return abandoned_; }
    void clear() { size_ = 0; }

    // base/state/state.h, like all here.
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);
    struct Missing {
        std::int64_t sequence = 0;
        Timestamp since;
        Timestamp next_try;
        std::uint32_t tries = 0;
    };
    Duration delay_after(std::uint32_t tries) const;
    void remove_oldest(std::size_t count);

    std::array<Missing, kMaxMissing> list_{};  // ascending by sequence
    std::size_t size_ = 0;
    Duration rtt_ = kDefaultRtt;
    std::uint64_t abandoned_ = 0;
};

}  // namespace confab::rtp
