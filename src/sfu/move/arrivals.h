// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Peers that are about to come to this worker from another one (02 MC-20): their tracks are
// subscribed to before they leave there, so that nothing passes between.
#pragma once

#include <unordered_map>
#include <utility>
#include <vector>

#include "sfu/shard/event_outlets.h"
#include "sfu/tracks/upstream.h"

namespace confab::sfu {

class Arrivals {
  public:
    // All outlive this.
    struct Parts {
        TrackTable& tracks;
        Upstream& upstream;
        EventOutlets& events;
    };
    explicit Arrivals(const Parts& parts) : parts_(parts) {}

    // PeerAwaited follows, at once where every track is here already.
    void apply(Timestamp now, const AwaitPeer& c);
    void apply(Timestamp now, const EndAwait& c);
    // The home of a track said that all of it crosses.
    void confirm(ReceiverId receiver);
    // It came and caught up, or does not come any more.
    void end(Timestamp now, PeerId peer);
    std::size_t size() const { return waiting_.size(); }

  private:
    struct Waiting {
        std::vector<std::pair<ReceiverId, DownTrackId>> tracks;
        bool told = false;
    };
    void tell_if_ready(PeerId peer, Waiting& waiting);

    Parts parts_;
    std::unordered_map<PeerId, Waiting> waiting_;
};

}  // namespace confab::sfu
