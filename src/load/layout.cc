// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/layout.h"

#include <algorithm>

namespace confab::load {
namespace {

constexpr Size kHigh{1280, 720};
constexpr Size kMedium{640, 360};
constexpr Size kLow{320, 180};

Size usual_size(Layout layout) {
    return layout == Layout::k3x3 ? kMedium : kLow;
}

}  // namespace

std::size_t slots(Layout layout) {
    switch (layout) {
        case Layout::kSpeaker:
            return 6;
        case Layout::k3x3:
            return 9;
        case Layout::k4x4:
            return 16;
        case Layout::k5x5:
            return 25;
    }
    return 0;
}

Watching::Changes Watching::offered(const std::vector<OfferedTrack>& tracks) {
    Changes changes;
    const auto there = [&](const std::string& sid) {
        return std::ranges::any_of(tracks, [&](const OfferedTrack& t) { return t.sid == sid; });
    };
    std::erase_if(audio_, [&](const std::string& sid) { return !there(sid); });
    std::erase_if(shown_, [&](const Shown& shown) { return !there(shown.track.sid); });
    for (const OfferedTrack& track : tracks) {
        if (!track.video) {
            if (audio_.insert(track.sid).second) changes.subscribe.push_back(track.sid);
            continue;
        }
        const auto has_place = [&](const Shown& shown) { return shown.track.sid == track.sid; };
        if (shown_.size() >= slots(layout_) || std::ranges::any_of(shown_, has_place)) continue;
        shown_.push_back({track, {}});
        changes.subscribe.push_back(track.sid);
    }
    resize(changes);
    return changes;
}

Watching::Changes Watching::speaks(const std::string& participant_sid) {
    Changes changes;
    speaker_ = participant_sid;
    resize(changes);
    return changes;
}

// The speaker may have no picture; then the first one stays large, or becomes it.
void Watching::resize(Changes& changes) {
    if (shown_.empty()) return;
    std::size_t large = shown_.size();
    if (layout_ == Layout::kSpeaker) {
        const auto is_large = [](const Shown& shown) { return shown.size == kHigh; };
        const auto speaks = [&](const Shown& s) { return s.track.participant_sid == speaker_; };
        auto found = std::ranges::find_if(shown_, speaks);
        if (found == shown_.end()) found = std::ranges::find_if(shown_, is_large);
        if (found == shown_.end()) found = shown_.begin();
        large = static_cast<std::size_t>(found - shown_.begin());
    }
    for (std::size_t i = 0; i < shown_.size(); ++i) {
        const Size wanted = i == large ? kHigh : usual_size(layout_);
        if (shown_[i].size == wanted) continue;
        shown_[i].size = wanted;
        changes.sizes[shown_[i].track.sid] = wanted;
    }
}

Size Watching::size_of(const std::string& track_sid) const {
    for (const Shown& shown : shown_)
        if (shown.track.sid == track_sid) return shown.size;
    return {};
}

}  // namespace confab::load
