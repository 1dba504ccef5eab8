// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/pressure/drain_rate.h"

#include <utility>

namespace confab::sfu {

void DrainRate::note(Timestamp now, std::size_t unacknowledged, Duration round_trip) {
    const std::size_t before = std::exchange(unacknowledged_, unacknowledged);
    if (noted_.is_never()) {
        noted_ = opened_ = begun_ = now;
        return;
    }
    const Timestamp from = std::exchange(noted_, now);
    advance(now);
    // What is there now was there all the time: between two notes it only gets less. When nothing
    // is, nobody knows since when, and what was taken has no time to be divided by.
    if (unacknowledged <= kLastPacket) {
        begun_ = now;
        return;
    }
    if (from < begun_ + round_trip * kTrips) return;
    const Duration busy = now - from;
    Slot& slot = slots_[newest_];
    slot.busy = slot.busy + busy;
    sum_.busy = sum_.busy + busy;
    if (before > unacknowledged) {
        slot.octets += before - unacknowledged;
        sum_.octets += before - unacknowledged;
    }
}

void DrainRate::forget(Slot& slot) {
    sum_.octets -= slot.octets;
    sum_.busy = sum_.busy - slot.busy;
    slot = {};
}

void DrainRate::advance(Timestamp now) {
    for (std::size_t i = 0; i < kSlots && now - opened_ >= kSlot; ++i) {
        newest_ = (newest_ + 1) % kSlots;
        forget(slots_[newest_]);
        opened_ = opened_ + kSlot;
    }
    if (now - opened_ >= kSlot) opened_ = now;
}

std::optional<std::uint64_t> DrainRate::bits_per_second() const {
    if (sum_.busy < kSlot) return std::nullopt;
    return std::uint64_t{sum_.octets} * 8 * 1000 / static_cast<std::uint64_t>(sum_.busy.ms());
}

}  // namespace confab::sfu
