// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A down-track on its worker: what a timer leads to.
#pragma once

#include <optional>

#include "base/timer_wheel.h"
#include "sfu/forward/down_track.h"
#include "sfu/inbound/track.h"
#include "sfu/peer/timed.h"

namespace confab::sfu {

// A down-track with its timer: only those that are due are looked at, however many a peer has.
struct OutboundTrack : Timed {
    OutboundTrack(const AddDownTrack& config, Track& of, ShardPeer& owner, Rng& rng,
                  std::size_t kept)
        : track(&of),
          peer(&owner),
          down_track(config, of.source(), rng, kept),
          redundant(config.add_redundancy && !config.encrypted) {}
    void on_timer(DueTimers& timers, Timestamp now) override { timers.down_track_due(now, *this); }
    Track* track;
    ShardPeer* peer;
    DownTrack down_track;
    bool redundant;  // gets opus as RED (IN-32)
    TimerNode timer{static_cast<Timed*>(this)};
    bool closing = false;  // sends its blank frames, then goes
    // Of one that came from another worker, until it caught up here: what passed there.
    std::optional<Track::Passed> passed;
};

}  // namespace confab::sfu
