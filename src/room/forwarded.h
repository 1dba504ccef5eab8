// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant that is seen in a second room without being there (01 API-11): what the second room
// is told of it, and what its subscribers there want of its tracks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "room/data/data_tracks.h"
#include "room/publish/publication.h"
#include "room/scope/types.h"

namespace confab::room {

struct Forwarded {
    token::Grants grants;  // as they are by now
    livekit::ClientInfo client;
    sfu::WorkerIndex worker = 0;
    sfu::DataPlace data;                     // where it sends data
    livekit::SubscriptionPermission access;  // whom it lets have its tracks
    std::vector<PublishedTrack> tracks;      // announced ones
    PublishedDataTracks data_tracks;
};

// Another one tells that a Forwarded has changed.
struct ForwardedVersion {
    std::uint32_t info = 0;
    std::uint32_t access = 0;
    sfu::WorkerIndex worker = 0;
    bool operator==(const ForwardedVersion&) const = default;
};

// To be said in the room where the participant is.
struct ForwardedWish {
    std::string publisher_sid;  // of the copy
    std::string track_sid;
    std::optional<QualityWish> wanted;
    std::optional<sfu::DownTrackId> unwanted;
    bool subscribed = false;
};

}  // namespace confab::room
