// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which announced track a sending section belongs to (02 SDP-30, 01 SIG-77).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "rtc/sdp/description/description.h"
#include "rtc/sdp/negotiator.h"

namespace confab::sdp {

struct TrackClaim {
    PendingTrack track;
    std::size_t codec_index = 0;
    // By its codec alone: it shapes the answer, and is nobody's until a track is announced.
    bool guessed = false;
};

// A section that sends and has no track yet.
struct OpenSection {
    std::size_t index = 0;
    Kind kind = Kind::kAudio;
    std::string track_id;     // of its msid, may be empty
    std::string first_mime;   // its preferred codec
    bool only_by_id = false;  // it has a track, and changes it only for one announced by this id
};

struct TrackMatch {
    std::size_t index = 0;  // of the section
    TrackClaim claim;
};

// In this order: the id is an announced cid; it is a codec's cid of an announced or published
// track; the oldest waiting track of the kind; a published track that waits for a backup codec of
// the section's mime type. Matches of all sections by id come before any other.
std::vector<TrackMatch> match_tracks(const std::vector<OpenSection>& sections,
                                     const std::vector<PendingTrack>& pending,
                                     const std::vector<TrackClaim>& published);

}  // namespace confab::sdp
