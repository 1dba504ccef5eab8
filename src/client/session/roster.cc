// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/roster.h"

#include <algorithm>

namespace confab::client {

void Roster::update(const ParticipantRef& info) {
    if (info->sid() == self_.sid()) {
        if (info->version() >= self_.version()) self_ = *info;
        return;
    }
    const auto before = others_.find(info->identity());
    if (info->tracks_size() > 0 || (before != others_.end() && before->second->tracks_size() > 0))
        ++revision_;
    if (info->state() == livekit::ParticipantInfo::DISCONNECTED) return leave(*info);
    if (others_.size() >= kMaxParticipants && !others_.contains(info->identity())) return;
    ParticipantRef& known = others_[info->identity()];
    if (known && known->sid() != info->sid()) {
        let_go_.erase(known->sid());
        known = nullptr;
    }
    if (!known || info->version() >= known->version()) known = info;
}

void Roster::leave(const livekit::ParticipantInfo& info) {
    const auto known = others_.find(info.identity());
    if (known == others_.end()) return;
    if (known->second->sid() == info.sid()) {
        let_go_.erase(info.sid());
        others_.erase(known);
    } else {
        let_go_.insert(known->second->sid());
    }
}

ParticipantList Roster::others() const {
    ParticipantList list;
    list.reserve(others_.size());
    for (const auto& [identity, info] : others_)
        list.push_back(info);
    std::ranges::sort(list, {},
                      [](const ParticipantRef& info) -> const std::string& { return info->sid(); });
    return list;
}

const livekit::ParticipantInfo* Roster::find(const std::string& sid) const {
    for (const auto& [identity, info] : others_)
        if (info->sid() == sid) return info.get();
    return nullptr;
}

const livekit::ParticipantInfo* Roster::find_identity(const std::string& identity) const {
    const auto found = others_.find(identity);
    return found == others_.end() ? nullptr : found->second.get();
}

}  // namespace confab::client
