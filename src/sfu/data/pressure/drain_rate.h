// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How fast a receiver takes what is sent to it on a channel (02 DC-22): octets that were
// acknowledged in the last two seconds, by the time in which some were waiting to be; only of times
// at whose end some still waited, and behind the first round trips of a burst, in which nothing can
// be acknowledged. Of a receiver that keeps up nothing is known: it could take more.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace confab::sfu {

class DrainRate {
  public:
    static constexpr Duration kSlot = Duration::millis(100);
    static constexpr std::size_t kSlots = 20;
    // Who has all but one packet may wait for another to acknowledge it (RFC 9260 §6.2).
    static constexpr std::size_t kLastPacket = 1'200;
    // Round trips in which the first octets of a burst are acknowledged.
    static constexpr std::int64_t kTrips = 2;

    // So much is unacknowledged now; before something is sent, and while something waits.
    void note(Timestamp now, std::size_t unacknowledged, Duration round_trip = {});
    // So much was sent, after note().
    void add_sent(std::size_t octets) { unacknowledged_ += octets; }
    // Known when it was busy for a slot at least.
    std::optional<std::uint64_t> bits_per_second() const;

  private:
    struct Slot {
        std::size_t octets = 0;
        Duration busy;
    };
    // Opens the slots up to `now`, and forgets those that they replace.
    void advance(Timestamp now);
    void forget(Slot& slot);

    std::array<Slot, kSlots> slots_{};
    std::size_t newest_ = 0;
    Timestamp opened_;  // of the newest slot
    Timestamp noted_ = Timestamp::never();
    Timestamp begun_;  // nothing waited then
    std::size_t unacknowledged_ = 0;
    Slot sum_;
};

}  // namespace confab::sfu
