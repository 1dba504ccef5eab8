// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the subscribers of a worker say towards the publisher of their track: to its receiver if it
// is here, else to the worker that is the track's home (02 DES-40, DES-43).
#pragma once

#include "sfu/link/link_sender.h"
#include "sfu/shard/flush_queue.h"
#include "sfu/tracks/track_table.h"

namespace confab::sfu {

class Upstream {
  public:
    // All outlive this.
    Upstream(TrackTable& tracks, LinkSender& links, FlushQueue& queue, bool loss_proxying)
        : tracks_(tracks), links_(links), queue_(queue), loss_proxying_(loss_proxying) {}

    void request_key_frame(Timestamp now, Track& track, std::uint8_t spatial);
    // What the publisher of an audio track hears of its subscribers, so that it can add redundancy
    // (audio.enable_loss_proxying, IN-05).
    void note_loss(Timestamp now, const Track& track, std::uint8_t fraction);
    // Keeps the home of a replica informed of what is wanted here.
    void tell_wanted(Timestamp now, Track& track);

  private:
    TrackTable& tracks_;
    LinkSender& links_;
    FlushQueue& queue_;
    bool loss_proxying_;
};

}  // namespace confab::sfu
