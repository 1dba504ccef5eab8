// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The packets that left one connection last, by transport-wide number, so that feedback can be put
// to when they left, their size and their probe (draft-holmer-rmcat-transport-wide-cc-extensions-01
// §3). A ring: one store for each packet, no search.
#pragma once

#include <array>
#include <bitset>
#include <optional>

#include "sfu/congestion/bandwidth_port.h"

namespace confab::sfu {

class SendHistory {
  public:
    // Two seconds of 2 000 packets each; feedback on older ones tells nothing.
    static constexpr std::size_t kMaxPackets = 4096;

    // Numbers follow one another.
    void push(const SentPacket& packet) {
        const std::size_t slot = packet.number % kMaxPackets;
        packets_[slot] = packet;
        open_.set(slot);
        ++untold_;
        next_ = static_cast<std::uint16_t>(packet.number + 1);
    }
    // Tells the port of what was pushed since the last call.
    void tell(BandwidthPort& port);
    // The packet that a report is about; nullopt if it is forgotten, was never sent or was reported
    // as received before.
    std::optional<SentPacket> resolve(std::uint16_t number, bool received);

  private:
    std::array<SentPacket, kMaxPackets> packets_{};
    std::bitset<kMaxPackets> open_;  // sent, and not reported as received
    std::size_t untold_ = 0;
    std::uint16_t next_ = 0;
};

}  // namespace confab::sfu
