// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is owed to the peer for a single chunk: HEARTBEAT-ACK with the value that came
// (RFC 9260 §8.3) and ERROR for a chunk type that we do not know and shall report (§3.2,
// §3.3.10.6). One of each at most: a newer one takes the place of one not yet written.
#pragma once

#include "base/bytes.h"
#include "base/state/state.h"
#include "wire/sctp/sctp_packet.h"

namespace confab::sctp {

class Replies {
  public:
    // A value longer than kMaxHeartbeatInfo is not answered.
    void handle_heartbeat(const wire::sctp::ChunkView& chunk);
    // True when the chunks behind it are to be read. One longer than kMaxReportedChunk is not
    // reported.
    bool handle_unknown(const wire::sctp::ChunkView& chunk);

    // Each stays due when it does not fit.
    void write_heartbeat_ack(wire::sctp::PacketWriter& packet);
    void write_error(wire::sctp::PacketWriter& packet);
    void clear();

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    Bytes heartbeat_;
    Bytes unknown_chunk_;         // none while empty
    bool heartbeat_due_ = false;  // its value may be empty
};

}  // namespace confab::sctp
