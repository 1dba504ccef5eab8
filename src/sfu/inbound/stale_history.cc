// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/stale_history.h"

#include <algorithm>
#include <utility>

#include "sfu/peer/together.h"

namespace confab::sfu {

void StaleHistory::add(Timestamp now, Track& track) {
    track.next_look = now + PacketHistory::kKept;
    due_.push_back({track.id(), track.next_look});
    if (!timer_.scheduled()) schedule(now);
}

void StaleHistory::begin_turn(Timestamp now) {
    if (due_.empty() || due_.front().at > now) return;
    for (std::size_t i = 0; i < kMaxPerTurn && !due_.empty() && due_.front().at <= now; ++i) {
        const Due due = due_.front();
        due_.pop_front();
        Track* const track = tracks_.find(due.receiver);
        // Another one in its place has a time of its own.
        if (track == nullptr || track->next_look != due.at) continue;
        track->next_look = Timestamp::never();
        if (track->forget_silent(now)) add(now, *track);
    }
    schedule(now);
}

// Not `now`: this turn would take it up again.
void StaleHistory::schedule(Timestamp now) {
    const Timestamp next = due_.empty() ? Timestamp::never() : together(now, due_.front().at);
    wheel_.schedule(timer_, std::max(now + Duration::millis(1), next));
}

}  // namespace confab::sfu
