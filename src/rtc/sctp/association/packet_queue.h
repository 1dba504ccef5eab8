// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whole packets that go out before all others: those of the handshake, of the end of a shutdown,
// and ABORT. None of them is bundled with data (RFC 9260 §6.10).
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <utility>

#include "base/state/state.h"
#include "rtc/sctp/limits.h"
#include "rtc/sctp/types.h"
#include "wire/sctp/sctp_packet.h"

namespace confab::sctp {

class PacketQueue {
  public:
    explicit PacketQueue(const Config& config)
        : local_port_(config.local_port), remote_port_(config.remote_port), mtu_(config.mtu) {}

    // An empty packet to the peer with that verification tag (RFC 9260 §8.5).
    wire::sctp::PacketWriter start(std::uint32_t tag) const {
        return wire::sctp::PacketWriter({local_port_, remote_port_, tag}, mtu_);
    }
    // Beyond kMaxQueuedPackets it is not sent: whoever waits for it asks again.
    void push(Bytes packet) {
        if (packets_.size() < kMaxQueuedPackets) packets_.push_back(std::move(packet));
    }
    std::optional<Bytes> pop() {
        if (packets_.empty()) return std::nullopt;
        std::optional<Bytes> packet(std::move(packets_.front()));
        packets_.pop_front();
        return packet;
    }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    std::uint16_t local_port_;
    std::uint16_t remote_port_;
    std::size_t mtu_;
    std::list<Bytes> packets_;  // a list holds nothing when empty
};

}  // namespace confab::sctp
