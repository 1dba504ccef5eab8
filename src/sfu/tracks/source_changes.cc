// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/source_changes.h"

#include "base/check.h"

namespace confab::sfu {

// Each subscriber must know before the next packet, which visits them all just the same.
void SourceChanges::source_changed(Timestamp now, Track& track) {
    parts_.fan_out.deliver(now);
    if (track.source().muted) track.recent().clear();
    for (const Subscriber& subscriber : track.subscribers())
        subscriber.down_track->source_changed(now);
    bitrates_changed(now, track);
}

void SourceChanges::bitrates_changed(Timestamp now, Track& track) {
    for (const Replica& replica : track.replicas())
        parts_.links.push(now, replica.worker, LinkSource{track.id(), track.source()});
    if (track.begin_pass()) due_.push_back(track.id());
    refresh_due(now);
}

void SourceChanges::begin_turn(Timestamp now) {
    budget_ = kMaxPerTurn;
    refresh_due(now);
}

void SourceChanges::refresh_due(Timestamp now) {
    if (!due_.empty()) parts_.fan_out.deliver(now);
    while (budget_ > 0 && !due_.empty()) {
        Track* track = parts_.tracks.find(due_.front());
        const Subscriber* next = track == nullptr ? nullptr : track->next_of_pass();
        if (next == nullptr) {
            due_.pop_front();
            continue;
        }
        --budget_;
        refresh(now, *next);
    }
    // Not `now`: this turn would take it up again. Nor later than it was due, however much comes.
    if (!due_.empty() && (!timer_.scheduled() || timer_.deadline() <= now))
        parts_.wheel.schedule(timer_, now + Duration::millis(1));
}

void SourceChanges::refresh(Timestamp now, const Subscriber& subscriber) {
    ++visited_;
    if (CONFAB_BUG_IF(subscriber.outbound->peer != subscriber.peer, "subscriber_peer")) return;
    ShardPeer& peer = *subscriber.peer;
    subscriber.down_track->source_changed(now);
    parts_.subscriptions.serve(now, *subscriber.outbound);
    if (subscriber.down_track->info().video() && peer.downlink().bandwidth().heeds_bitrates())
        parts_.subscriptions.allocate(now, peer);
}

}  // namespace confab::sfu
