// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a client publishes through all its sessions: audio and video of one to three layers, muted
// or not, and who may subscribe to it.
#pragma once

#include <string>
#include <vector>

#include "base/rng.h"
#include "client/media/track_plan.h"
#include "client/session/published_tracks.h"
#include "sim/ids.h"

namespace confab::sim {

using client::MediaKind;

struct OwnTrack {
    std::uint32_t number = 0;  // of this session
    MediaKind kind = MediaKind::kAudio;
    std::size_t layers = 1;
    bool obstinate = false;  // sends while it is muted
    bool muted = false;
    std::string cid() const { return "t" + std::to_string(number); }
};

class OwnTracks {
  public:
    // The generator is the client's. What is light has few packets.
    OwnTracks(bool light, Rng& rng, Numbers next_number);

    // From now on all goes to this session, which outlives the next call; each track has a number
    // of its own in it.
    void begin(client::PublishedTracks& session);
    // Once the session is joined.
    void publish_again();

    void publish(MediaKind kind, std::size_t layers, bool obstinate);
    // The last one.
    void unpublish();
    // The index counts round.
    void set_muted(std::size_t index, bool muted);
    void set_access(bool everybody);
    const std::vector<OwnTrack>& all() const { return all_; }

  private:
    client::TrackPlan make_plan(const OwnTrack& own);
    void publish(const OwnTrack& own);

    bool light_;
    Rng& rng_;
    Numbers next_number_;
    client::PublishedTracks* session_ = nullptr;
    std::vector<OwnTrack> all_;
    bool open_to_all_ = true;
};

}  // namespace confab::sim
