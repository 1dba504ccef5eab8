// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the timers of a shard's wheel belong to, and who acts when one is due. Parts of a shard that
// have a timer of their own act themselves; for a connection and what is on it the shard does.
#pragma once

#include "base/time.h"

namespace confab::sfu {

class ShardPeer;
struct OutboundTrack;
struct ReceiverEntry;

class DueTimers {
  public:
    virtual ~DueTimers() = default;
    virtual void peer_due(Timestamp now, ShardPeer& peer) = 0;
    virtual void quality_due(Timestamp now, ShardPeer& peer) = 0;
    virtual void down_track_due(Timestamp now, OutboundTrack& outbound) = 0;
    virtual void receiver_due(Timestamp now, ReceiverEntry& entry) = 0;
};

// The owner of a TimerNode. A node without one only asks for a turn.
class Timed {
  public:
    virtual ~Timed() = default;
    virtual void on_timer(DueTimers& timers, Timestamp now) = 0;
};

}  // namespace confab::sfu
