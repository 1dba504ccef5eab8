// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/permissions.h"

#include <algorithm>
#include <utility>

namespace confab::room {

bool is_dependent(livekit::ParticipantInfo::Kind kind,
                  const livekit::ParticipantPermission& permission) {
    return kind == livekit::ParticipantInfo::AGENT || kind == livekit::ParticipantInfo::EGRESS ||
           permission.agent() || permission.recorder();
}

bool SubscriptionAccess::set(livekit::SubscriptionPermission list, const IdentityOf& identity_of) {
    if (static_cast<std::size_t>(list.track_permissions_size()) > kMaxEntries ||
        list.ByteSizeLong() > kMaxBytes)
        return false;
    for (const livekit::TrackPermission& entry : list.track_permissions())
        if (entry.participant_sid().empty() && entry.participant_identity().empty()) return false;
    for (livekit::TrackPermission& entry : *list.mutable_track_permissions())
        if (identity_of && entry.participant_identity().empty())
            entry.set_participant_identity(identity_of(entry.participant_sid()));
    list_ = std::move(list);
    ++revision_;
    return true;
}

livekit::SubscriptionPermission SubscriptionAccess::everybody() {
    livekit::SubscriptionPermission list;
    list.set_all_participants(true);
    return list;
}

bool SubscriptionAccess::allows(std::string_view identity, std::string_view sid,
                                std::string_view track_sid) const {
    if (list_.all_participants()) return true;
    for (const livekit::TrackPermission& entry : list_.track_permissions()) {
        const bool named = entry.participant_identity().empty()
                               ? entry.participant_sid() == sid
                               : entry.participant_identity() == identity;
        if (!named) continue;
        if (entry.all_tracks()) return true;
        const auto& sids = entry.track_sids();
        if (std::find(sids.begin(), sids.end(), track_sid) != sids.end()) return true;
    }
    return false;
}

}  // namespace confab::room
