// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What each connection is told of and the figures of the shard count: how streams and down-tracks
// did in the last window (02 CQ-01, 03 §6.1). Each window is reported by its own peer, so that no
// turn looks at all.
#pragma once

#include "base/timer_wheel.h"
#include "sfu/peer/shard_peer.h"
#include "sfu/shard/event_outlets.h"
#include "sfu/shard/media_figures.h"

namespace confab::sfu {

class QualityReports {
  public:
    static constexpr Duration kInterval = Duration::seconds(5);  // CQ-01

    // Both outlive this.
    QualityReports(EventOutlets& events, TimerWheel& wheel) : events_(events), wheel_(wheel) {}

    void start(Timestamp now, ShardPeer& peer) {
        wheel_.schedule(peer.quality_timer(), now + kInterval);
    }
    void report(Timestamp now, ShardPeer& peer);
    // A window ends before its time, with what it is of: it counts for the figures only.
    void end(const Receiver& receiver);
    void end(Timestamp now, DownTrack& down_track) { (void)take_window(now, down_track); }
    // The windows of a connection go on elsewhere, where they count as a whole.
    static void hand_over(Timestamp now, ShardPeer& peer);

    const MediaFigures& figures() const { return figures_; }
    std::uint64_t down_tracks_visited() const { return visited_; }

  private:
    StreamRound take_round(const Receiver& receiver, InboundStream& stream);
    DownTrackWindow take_window(Timestamp now, DownTrack& down_track);
    // Of all its streams, which are also told by themselves.
    QualitySample sample(Timestamp now, Receiver& receiver, std::vector<StreamSample>& streams);
    QualitySample sample(Timestamp now, DownTrack& down_track);

    EventOutlets& events_;
    TimerWheel& wheel_;
    MediaFigures figures_;
    std::uint64_t visited_ = 0;
};

}  // namespace confab::sfu
