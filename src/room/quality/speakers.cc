// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/quality/speakers.h"

#include <algorithm>
#include <cmath>

namespace confab::room {

float Speakers::quantize(double level) {
    return static_cast<float>(std::min(1.0, std::ceil(level * 8) / 8));
}

void Speakers::set_level(sfu::ReceiverId receiver, const std::string& participant_sid, double level,
                         bool active) {
    if (!active || !(level > 0)) {
        levels_.erase(receiver);
    } else {
        levels_[receiver] = {participant_sid, level};
    }
}

void Speakers::remove(sfu::ReceiverId receiver) {
    levels_.erase(receiver);
}

std::vector<livekit::SpeakerInfo> Speakers::told() const {
    std::vector<livekit::SpeakerInfo> result;
    for (const auto& [sid, level] : told_) {
        livekit::SpeakerInfo& info = result.emplace_back();
        info.set_sid(sid);
        info.set_level(level);
        info.set_active(true);
    }
    return result;
}

std::vector<livekit::SpeakerInfo> Speakers::poll_changes() {
    std::map<std::string, float> current;
    for (const auto& [receiver, level] : levels_) {
        float& value = current[level.participant_sid];
        value = std::max(value, quantize(level.level));
    }
    std::vector<livekit::SpeakerInfo> changes;
    for (const auto& [sid, level] : current) {
        const auto told = told_.find(sid);
        // Both come out of quantize(), so that equality is exact.
        if (told != told_.end() && !(told->second < level) && !(level < told->second)) continue;
        livekit::SpeakerInfo& info = changes.emplace_back();
        info.set_sid(sid);
        info.set_level(level);
        info.set_active(true);
    }
    std::sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) {
        return a.level() > b.level() || (!(a.level() < b.level()) && a.sid() < b.sid());
    });
    for (const auto& [sid, level] : told_)
        if (!current.contains(sid)) changes.emplace_back().set_sid(sid);
    told_ = std::move(current);
    return changes;
}

}  // namespace confab::room
