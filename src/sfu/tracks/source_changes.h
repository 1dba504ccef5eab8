// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What follows when something becomes known of a source: layers, mutes, decode targets, bitrates.
// Subscribers here know of it before the next packet; what they make of it is done in slices, a few
// down-tracks per turn. Replicas on other workers are told.
#pragma once

#include <deque>

#include "base/timer_wheel.h"
#include "sfu/tracks/fan_out.h"

namespace confab::sfu {

class SourceChanges {
  public:
    static constexpr std::size_t kMaxPerTurn = 64;  // down-tracks that are looked at

    // All outlive this.
    struct Parts {
        TrackTable& tracks;
        FanOut& fan_out;
        Subscriptions& subscriptions;
        LinkSender& links;
        TimerWheel& wheel;
    };
    explicit SourceChanges(const Parts& parts) : parts_(parts) {}

    void source_changed(Timestamp now, Track& track);
    // Nothing else did: only who shares a link among its down-tracks minds.
    void bitrates_changed(Timestamp now, Track& track);
    // Goes on with what is left over from the last turn.
    void begin_turn(Timestamp now);
    std::uint64_t down_tracks_visited() const { return visited_; }

  private:
    void refresh_due(Timestamp now);
    void refresh(Timestamp now, const Subscriber& subscriber);

    Parts parts_;
    TimerNode timer_;             // subscribers of due_ are left over
    std::deque<ReceiverId> due_;  // tracks with a pass over their subscribers, each once
    std::size_t budget_ = kMaxPerTurn;
    std::uint64_t visited_ = 0;
};

}  // namespace confab::sfu
