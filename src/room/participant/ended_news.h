// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What of its own a participant has no more because the server ended it (01 TOK-13, SIG-125): told
// again to who resumes, as its connection may have been gone, or dead already, when it was told.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "livekit_models.pb.h"

namespace confab::room {

class EndedNews {
  public:
    // Of each kind, as many as there may be at a time; beyond that the oldest is forgotten.
    static constexpr std::size_t kMaxTracks = 256;

    struct Ended {
        std::vector<std::string> tracks;
        std::vector<livekit::DataTrackInfo> data_tracks;
    };

    void track_ended(Timestamp now, const std::string& sid);
    void data_track_ended(Timestamp now, const livekit::DataTrackInfo& info);
    // Those that it may not have heard of since then, which it is told now. The others it knows.
    Ended repeat(Timestamp now, Timestamp since);
    // A client that comes back may still take them for its own.
    bool has_track(const std::string& sid) const { return tracks_.contains(sid); }
    bool has_data_track(const std::string& sid) const { return data_tracks_.contains(sid); }

  private:
    struct DataTrack {
        Timestamp at;
        livekit::DataTrackInfo info;
    };
    struct Track {
        Timestamp at;
    };
    std::map<std::string, Track> tracks_;           // by sid
    std::map<std::string, DataTrack> data_tracks_;  // by sid
};

}  // namespace confab::room
