// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The orderly end of an established association with its T2 timer (RFC 9260 §9.2).
//
//   kNone → request(): kPending → all acknowledged, SHUTDOWN: kSent → SHUTDOWN-ACK: over
//         → peer's SHUTDOWN: kReceived → all acknowledged, SHUTDOWN-ACK: kAckSent
//           → SHUTDOWN-COMPLETE or SHUTDOWN-ACK: over
//   kPending, kSent → peer's SHUTDOWN: kReceived; each side answers at once
//
// The owner knows when all is acknowledged, and closes when it is over.
#pragma once

#include <cstdint>

#include "base/state/state.h"
#include "rtc/sctp/association/packet_queue.h"
#include "rtc/sctp/send/path.h"

namespace confab::sctp {

class Shutdown {
  public:
    enum class Phase : std::uint8_t { kNone, kPending, kSent, kReceived, kAckSent };

    Phase phase() const { return phase_; }
    // Data still goes out until all is acknowledged.
    bool may_send() const {
        return phase_ == Phase::kNone || phase_ == Phase::kPending || phase_ == Phase::kReceived;
    }
    // Data still comes until the peer said SHUTDOWN.
    bool may_receive() const {
        return phase_ == Phase::kNone || phase_ == Phase::kPending || phase_ == Phase::kSent;
    }

    void request();
    void handle_shutdown();
    // All data is acknowledged: the next chunk of the sequence goes out if it is ours to send.
    void advance(Timestamp now, Duration rto, std::uint32_t peer_tag, PacketQueue& out);
    // True when it is over; SHUTDOWN-COMPLETE is queued.
    bool handle_shutdown_ack(std::uint32_t peer_tag, PacketQueue& out) const;
    // True when it is over.
    bool handle_shutdown_complete() const { return phase_ == Phase::kAckSent; }

    // Sends again, SHUTDOWN-ACK by the next advance(). False when the path has failed.
    bool handle_timeout(Timestamp now, Path& path);
    Timestamp deadline() const { return t2_; }
    // SHUTDOWN, when one is due; it stays due when it does not fit.
    void write(std::uint32_t cumulative_tsn, wire::sctp::PacketWriter& packet);
    void clear();

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    Phase phase_ = Phase::kNone;
    bool due_ = false;                   // SHUTDOWN
    Timestamp t2_ = Timestamp::never();  // SHUTDOWN, SHUTDOWN-ACK
};

}  // namespace confab::sctp
