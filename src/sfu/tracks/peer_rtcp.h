// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RTCP of a peer: reports of a publisher, feedback of a subscriber, both on one connection in
// single mode.
#pragma once

#include "sfu/shard/shard_clock.h"
#include "sfu/tracks/publications.h"
#include "wire/rtcp/rtcp.h"

namespace confab::sfu {

class PeerRtcp {
  public:
    // All outlive this.
    PeerRtcp(Publications& publications, Subscriptions& subscriptions, Upstream& upstream,
             const ShardClock& clock)
        : publications_(publications),
          subscriptions_(subscriptions),
          upstream_(upstream),
          clock_(clock) {}

    void handle(Timestamp now, ShardPeer& peer, BytesView compound);

    // What was asked for.
    struct Counters {
        std::uint64_t nacks = 0;  // packets
        std::uint64_t plis = 0;
        std::uint64_t firs = 0;
    };
    const Counters& counters() const { return counters_; }

  private:
    void handle_sender_report(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block);
    void handle_report_blocks(Timestamp now, ShardPeer& peer, const wire::ReportBlocks& blocks);
    void handle_transport_feedback(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block);
    void handle_nack(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block);
    // Both tell whether there was an estimate of the link, which allocate() has to follow.
    bool handle_payload_feedback(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block);
    bool handle_remb(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block);
    void handle_pli(Timestamp now, ShardPeer& peer, std::uint32_t ssrc);
    void handle_extended_report(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block);

    Publications& publications_;
    Subscriptions& subscriptions_;
    Upstream& upstream_;
    const ShardClock& clock_;
    Counters counters_;
};

}  // namespace confab::sfu
