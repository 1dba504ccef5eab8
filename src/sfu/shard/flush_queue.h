// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The connections that have something to send in this turn, and the writing of it into batches, in
// the order in which they were marked.
#pragma once

#include <vector>

#include "base/timer_wheel.h"
#include "rtc/srtp/batch.h"
#include "sfu/packet/send_batch.h"
#include "sfu/peer/shard_peer.h"
#include "sfu/shard/peer_routes.h"

namespace confab::sfu {

class FlushQueue {
  public:
    // All outlive this. Paths to which a connection sends lead back to it.
    FlushQueue(srtp::Engine& engine, TimerWheel& wheel, PeerRoutes& routes)
        : encryptor_(engine), wheel_(wheel), routes_(routes) {}

    void mark(ShardPeer& peer) {
        peer.transport_waiting = true;
        mark_media(peer);
    }
    // For packets of media alone, of which its transport knows nothing: asking ICE, DTLS and SCTP
    // of each subscriber for each packet costs more than the packet's header.
    void mark_media(ShardPeer& peer) {
        if (peer.is_dirty) return;
        peer.is_dirty = true;
        dirty_.push_back(&peer);
    }
    // It is marked, and its timer is set anew when it was flushed.
    void mark_changed(ShardPeer& peer) {
        peer.reschedule_needed = true;
        mark(peer);
    }
    // A peer that goes.
    void forget(const ShardPeer& peer);
    // Fills the batch; true while more waits.
    bool flush(Downlink::SendTime at, SendBatch& batch);

  private:
    bool flush(Downlink::SendTime at, ShardPeer& peer, SendBatch& batch);
    void drain_transport(ShardPeer& peer, SendBatch& batch);
    void reschedule(Timestamp now, ShardPeer& peer);

    srtp::BatchEncryptor encryptor_;
    TimerWheel& wheel_;
    PeerRoutes& routes_;
    std::vector<ShardPeer*> dirty_;
    std::size_t flushed_ = 0;  // of dirty_
};

}  // namespace confab::sfu
