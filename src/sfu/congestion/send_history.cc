// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/send_history.h"

#include <algorithm>

#include "base/check.h"

namespace confab::sfu {

void SendHistory::tell(BandwidthPort& port) {
    untold_ = std::min(untold_, kMaxPackets);
    while (untold_ > 0) {
        const std::size_t first = static_cast<std::uint16_t>(next_ - untold_) % kMaxPackets;
        const std::size_t count = std::min(untold_, kMaxPackets - first);
        CONFAB_DCHECK(packets_[first].number == static_cast<std::uint16_t>(next_ - untold_));
        port.packets_sent(std::span(packets_).subspan(first, count));
        untold_ -= count;
    }
}

std::optional<SentPacket> SendHistory::resolve(std::uint16_t number, bool received) {
    const std::size_t slot = number % kMaxPackets;
    if (!open_.test(slot) || packets_[slot].number != number) return std::nullopt;
    if (received) open_.reset(slot);
    return packets_[slot];
}

}  // namespace confab::sfu
