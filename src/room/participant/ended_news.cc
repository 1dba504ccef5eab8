// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/ended_news.h"

#include <algorithm>

namespace confab::room {
namespace {

// There is a place for one more.
template <typename Map>
void make_place(Map& ended) {
    if (ended.size() < EndedNews::kMaxTracks) return;
    const auto earlier = [](const auto& a, const auto& b) { return a.second.at < b.second.at; };
    ended.erase(std::min_element(ended.begin(), ended.end(), earlier));
}

template <typename Map>
void keep_since(Map& ended, Timestamp since, Timestamp now) {
    std::erase_if(ended, [&](const auto& entry) { return entry.second.at < since; });
    for (auto& [sid, entry] : ended)
        entry.at = now;
}

}  // namespace

void EndedNews::track_ended(Timestamp now, const std::string& sid) {
    make_place(tracks_);
    tracks_[sid] = {now};
}

void EndedNews::data_track_ended(Timestamp now, const livekit::DataTrackInfo& info) {
    make_place(data_tracks_);
    data_tracks_[info.sid()] = {now, info};
}

EndedNews::Ended EndedNews::repeat(Timestamp now, Timestamp since) {
    keep_since(tracks_, since, now);
    keep_since(data_tracks_, since, now);
    Ended result;
    for (const auto& [sid, track] : tracks_)
        result.tracks.push_back(sid);
    for (const auto& [sid, track] : data_tracks_)
        result.data_tracks.push_back(track.info);
    return result;
}

}  // namespace confab::room
