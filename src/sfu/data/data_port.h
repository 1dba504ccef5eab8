// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the data plane of a shard needs of its shard: the connections of the participants here, a
// way to control, and one to the other workers; and what the configuration says.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/time.h"
#include "rtc/sctp/shared_bytes.h"
#include "rtc/sctp/types.h"
#include "sfu/shard/commands.h"

namespace confab::sfu {

// Of receivers that are behind (02 DC-20, DC-21, DC-23, DC-24; 01 SIG-122).
struct DataLimits {
    // Bits per second. Who takes less loses reliable messages; nobody waits for it. 0: senders wait
    // for everybody who takes something (data_receivers.h).
    std::uint64_t slow_threshold = 0;
    // More than a receiver takes in this time does not wait for it: frames are dropped. 0: no
    // limit.
    Duration lossy_latency;
    Duration data_track_latency;
    // Octets that wait for a receiver on one channel; what comes beyond is dropped (02 DC-24). Only
    // without a slow_threshold. 0: no limit.
    std::size_t max_buffered = 0;
};

class DataPort {
  public:
    virtual ~DataPort() = default;
    virtual bool is_connected(PeerId peer) = 0;
    virtual bool has_channel(PeerId peer, DataChannel channel) = 0;
    virtual sctp::SendStatus send(Timestamp now, PeerId to, DataChannel channel,
                                  const sctp::SharedBytes& payload) = 0;
    // Bytes on its channel that it has not acknowledged.
    virtual std::size_t buffered(PeerId to, DataChannel channel) = 0;
    // Until something is acknowledged, at least; zero where that is not known.
    virtual Duration least_round_trip(PeerId peer) = 0;
    // Messages of it may be handed in again.
    virtual void resume(PeerId sender) = 0;
    virtual void emit(Event event) = 0;
    // Of a connection that is up and was measured.
    virtual std::optional<Duration> round_trip(PeerId peer) = 0;
    virtual UnixTime wall(Timestamp now) = 0;
    // A piece of at most LinkStream::kMaxPiece bytes; false when there is no room.
    virtual bool push_link(WorkerIndex to, BytesView piece) = 0;
};

}  // namespace confab::sfu
