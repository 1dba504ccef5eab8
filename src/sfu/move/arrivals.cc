// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/move/arrivals.h"

#include <algorithm>

namespace confab::sfu {

void Arrivals::apply(Timestamp now, const AwaitPeer& c) {
    end(now, c.peer);
    // What it publishes comes back, where it was here before.
    parts_.tracks.expect_back(c.peer, true);
    Waiting& waiting = waiting_[c.peer];
    for (const AwaitedTrack& one : c.tracks) {
        // Nobody else of the room moves meanwhile: that is where the publisher is.
        Track& track = parts_.tracks.at(one.receiver, one.home, one.kind);
        track.expect({one.down_track, static_cast<std::int8_t>(one.max_spatial)});
        if (!parts_.tracks.is_home(track)) track.unconfirmed = true;
        parts_.upstream.tell_wanted(now, track);
        waiting.tracks.emplace_back(one.receiver, one.down_track);
    }
    tell_if_ready(c.peer, waiting);
}

void Arrivals::apply(Timestamp now, const EndAwait& c) {
    parts_.tracks.expect_back(c.peer, false);
    end(now, c.peer);
}

void Arrivals::confirm(ReceiverId receiver) {
    Track* const track = parts_.tracks.find(receiver);
    if (track == nullptr) return;
    track->unconfirmed = false;
    for (auto& [peer, waiting] : waiting_)
        tell_if_ready(peer, waiting);
}

void Arrivals::tell_if_ready(PeerId peer, Waiting& waiting) {
    const auto ready = [this](const auto& one) {
        const Track* const track = parts_.tracks.find(one.first);
        return track == nullptr || !track->unconfirmed || parts_.tracks.is_home(*track);
    };
    if (waiting.told || !std::all_of(waiting.tracks.begin(), waiting.tracks.end(), ready)) return;
    waiting.told = true;
    parts_.events.emit(PeerAwaited{peer});
}

void Arrivals::end(Timestamp now, PeerId peer) {
    const auto found = waiting_.find(peer);
    if (found == waiting_.end()) return;
    const Waiting waiting = std::move(found->second);
    waiting_.erase(found);
    for (const auto& [receiver, down_track] : waiting.tracks) {
        Track* const track = parts_.tracks.find(receiver);
        if (track == nullptr) continue;
        track->end_expecting(down_track);
        if (!track->expects()) track->unconfirmed = false;
        parts_.upstream.tell_wanted(now, *track);
        parts_.tracks.drop_if_unused(receiver);
    }
}

}  // namespace confab::sfu
