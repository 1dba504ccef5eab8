// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/move_news.h"

namespace confab::room {

void MoveNews::left(Timestamp now, const std::vector<livekit::ParticipantInfo>& gone) {
    if (moved_ && now - at_ > kKept) gone_.clear();
    moved_ = true;
    at_ = now;
    std::map<std::string, livekit::ParticipantInfo> here;
    for (const livekit::ParticipantInfo& info : gone)
        here.emplace(info.identity(), info);
    for (auto& [identity, info] : here)
        if (gone_.size() < kMaxGone || gone_.contains(identity)) gone_[identity] = std::move(info);
}

std::vector<livekit::ParticipantInfo> MoveNews::gone() const {
    std::vector<livekit::ParticipantInfo> result;
    result.reserve(gone_.size());
    for (const auto& [identity, info] : gone_)
        result.push_back(info);
    return result;
}

}  // namespace confab::room
