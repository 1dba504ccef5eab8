// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tracks that fell silent give back the packets that they keep (02 DES-33). While packets come,
// each takes old ones' places; behind the last one nothing would, and many that are muted would
// leave no memory for the repairs of those that are not.
#pragma once

#include <cstddef>
#include <deque>

#include "base/timer_wheel.h"
#include "sfu/tracks/track_table.h"

namespace confab::sfu {

class StaleHistory {
  public:
    static constexpr std::size_t kMaxPerTurn = 16;  // tracks that are looked at

    // Both outlive this.
    StaleHistory(TrackTable& tracks, TimerWheel& wheel) : tracks_(tracks), wheel_(wheel) {}

    // A packet came which it keeps.
    void note(Timestamp now, Track& track) {
        if (track.next_look.is_never()) add(now, track);
    }
    // Looks at those that are due.
    void begin_turn(Timestamp now);

  private:
    void add(Timestamp now, Track& track);
    void schedule(Timestamp now);

    TrackTable& tracks_;
    TimerWheel& wheel_;
    TimerNode timer_;  // of the first of due_
    struct Due {
        ReceiverId receiver;
        Timestamp at;
    };
    std::deque<Due> due_;  // in order
};

}  // namespace confab::sfu
