// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/permissions.h"

#include <algorithm>
#include <utility>

namespace confab::room {

bool is_dependent(livekit::ParticipantInfo::Kind kind,
                  const livekit::ParticipantPermission& permission) {
    return kind == livekit::ParticipantInfo::AGENT || is_recorder(kind, permission) ||
           permission.agent();
}

bool is_recorder(livekit::ParticipantInfo::Kind kind,
                 const livekit::ParticipantPermission& permission) {
    return kind == livekit::ParticipantInfo::EGRESS || permission.recorder();
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
    const auto& entries = list_.track_permissions();
    const auto last = std::find_if(entries.rbegin(), entries.rend(), [&](const auto& entry) {
        return entry.participant_identity().empty() ? entry.participant_sid() == sid
                                                    : entry.participant_identity() == identity;
    });
    if (last == entries.rend()) return false;
    const auto& sids = last->track_sids();
    return last->all_tracks() || std::find(sids.begin(), sids.end(), track_sid) != sids.end();
}

}  // namespace confab::room
