// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/roster.h"

namespace confab::client {

void Roster::forget(const std::string& sid) {
    others_.erase(sid);
    let_go_.erase(sid);
}

void Roster::update(const livekit::ParticipantInfo& info) {
    if (info.sid() == self_.sid()) {
        if (info.version() >= self_.version()) self_ = info;
        return;
    }
    if (info.state() == livekit::ParticipantInfo::DISCONNECTED) {
        forget(info.sid());
        const auto known = sids_.find(info.identity());
        if (known == sids_.end()) return;
        if (known->second == info.sid())
            sids_.erase(known);
        else
            let_go_.insert(known->second);
        return;
    }
    if (others_.size() >= kMaxParticipants && !sids_.contains(info.identity())) return;
    std::string& sid = sids_[info.identity()];
    if (sid != info.sid()) forget(sid);
    sid = info.sid();
    livekit::ParticipantInfo& known = others_[sid];
    if (known.sid().empty() || info.version() >= known.version()) known = info;
}

const livekit::ParticipantInfo* Roster::find_identity(const std::string& identity) const {
    const auto found = sids_.find(identity);
    return found == sids_.end() ? nullptr : find(found->second);
}

}  // namespace confab::client
