// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The down-tracks of a worker: commands about them, their timers, what each of them wants to say
// beside forwarded packets, and the sharing of a subscriber's link among its own.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "base/state/state.h"
#include "sfu/peer/peer_table.h"
#include "sfu/quality/quality_reports.h"
#include "sfu/shard/event_outlets.h"
#include "sfu/shard/flush_queue.h"
#include "sfu/tracks/upstream.h"

namespace confab::sfu {

class Subscriptions {
  public:
    // Between frames that are sent at once, in ticks of 90 kHz: a millisecond.
    static constexpr std::int64_t kCatchUpTicks = 90;
    // Of an import in doubt (02 TRAP-14).
    static constexpr std::int64_t kNumbersInDoubt = 1000;

    // All outlive this.
    struct Parts {
        PeerTable& peers;
        TrackTable& tracks;
        Upstream& upstream;
        QualityReports& quality;
        EventOutlets& events;
        FlushQueue& queue;
        TimerWheel& wheel;
        Rng& rng;
        const ShardOptions& options;
    };
    explicit Subscriptions(const Parts& parts) : parts_(parts) {}

    // ------------------------------------------------------------ commands
    void apply(Timestamp now, AddDownTrack& c);
    void apply(Timestamp now, UpdateDownTrack& c);
    void apply(Timestamp now, SwitchDownTrack& c);
    void apply(Timestamp now, RemoveDownTrack& c);
    void apply(Timestamp now, SetBandwidthLimit& c);
    // Those of a peer that goes, at once.
    void remove_all(Timestamp now, ShardPeer& peer);

    // ------------------------------------------------------------ moving (02 FWD-18)
    // What only ends is left out.
    void save(const ShardPeer& peer, StateWriter& out) const;
    // As apply() of these commands, going on where the state says, strictly above it in doubt.
    // Behind an error what was made goes with the peer.
    void load(Timestamp now, std::vector<AddDownTrack>& down_tracks, bool in_doubt,
              StateReader& in);

    // ------------------------------------------------------------ connections
    // Down-tracks that were added before the connection was up ask for their key frames now.
    void connected(Timestamp now, ShardPeer& peer);
    // Nothing goes to it; what does later goes on as behind a pause.
    void disconnected(Timestamp now, ShardPeer& peer);
    // What came meanwhile was not sent: pictures go on with a key frame, before anybody asks.
    void reconnected(Timestamp now, ShardPeer& peer);

    // ------------------------------------------------------------ towards a subscriber
    // Takes what a down-track wants to say and send beside forwarded packets.
    void serve(Timestamp now, OutboundTrack& outbound);
    // Bytes that will leave for it, SRTP aside.
    std::size_t resend(OutboundTrack& outbound, std::span<ResendPacket> packets);
    // Shares the subscriber's link anew, and probes it where that is wanted.
    void allocate(Timestamp now, ShardPeer& peer);
    void allocate_if_due(Timestamp now, ShardPeer& peer) {
        if (now >= peer.downlink().bandwidth().next_deadline()) allocate(now, peer);
    }

    // ------------------------------------------------------------ time
    void handle_timeout(Timestamp now, OutboundTrack& outbound);
    void reschedule(Timestamp now, OutboundTrack& outbound);

    std::size_t size() const { return down_tracks_.size(); }
    std::uint64_t down_tracks_visited() const { return visited_; }
    std::uint64_t allocations() const { return allocations_; }

  private:
    OutboundTrack* find(DownTrackId id);
    bool may_add(const AddDownTrack& c);
    OutboundTrack& add(const AddDownTrack& c, Track& track);
    void load_one(Timestamp now, const AddDownTrack& c, bool in_doubt, StateReader& in);
    void changed(Timestamp now, ShardPeer& peer);
    // Begins with what came since the last key frame of the layer, at once; false where there is
    // nothing to begin with.
    bool catch_up(Timestamp now, OutboundTrack& outbound, std::uint8_t layer);
    void detach(Timestamp now, OutboundTrack& outbound);
    void finish(Timestamp now, OutboundTrack& outbound);
    static constexpr std::size_t kProbePasses = 8;  // over the newest packets, in a round
    std::size_t send_probe(Timestamp now, ShardPeer& peer, std::size_t bytes);

    Parts parts_;
    std::unordered_map<DownTrackId, OutboundTrack*> down_tracks_;
    std::uint64_t visited_ = 0;
    std::uint64_t allocations_ = 0;
};

}  // namespace confab::sfu
