// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/permissions.h"

#include <algorithm>

namespace confab::room {

livekit::ParticipantPermission permission_of(const Grants& grants) {
    livekit::ParticipantPermission result;
    const bool publish = grants.can_publish.value_or(true);
    result.set_can_publish(publish);
    result.set_can_subscribe(grants.can_subscribe.value_or(true));
    result.set_can_publish_data(grants.can_publish_data.value_or(publish));
    for (const livekit::TrackSource source : grants.can_publish_sources)
        result.add_can_publish_sources(source);
    result.set_hidden(grants.hidden);
    result.set_recorder(grants.recorder);
    result.set_agent(grants.agent);
    result.set_can_update_metadata(grants.can_update_own_metadata.value_or(false));
    result.set_can_subscribe_metrics(grants.can_subscribe_metrics.value_or(false));
    result.set_can_manage_agent_session(grants.can_manage_agent_session.value_or(false));
    return result;
}

void apply_permission(Grants& grants, const livekit::ParticipantPermission& permission) {
    grants.can_publish = permission.can_publish();
    grants.can_subscribe = permission.can_subscribe();
    grants.can_publish_data = permission.can_publish_data();
    grants.can_update_own_metadata = permission.can_update_metadata();
    grants.can_subscribe_metrics = permission.can_subscribe_metrics();
    grants.can_manage_agent_session = permission.can_manage_agent_session();
    grants.can_publish_sources.clear();
    for (const int source : permission.can_publish_sources())
        grants.can_publish_sources.push_back(static_cast<livekit::TrackSource>(source));
    grants.hidden = permission.hidden();
    grants.recorder = permission.recorder();
    grants.agent = permission.agent();
}

bool may_publish(const livekit::ParticipantPermission& permission, livekit::TrackSource source) {
    if (!permission.can_publish()) return false;
    const auto& sources = permission.can_publish_sources();
    return sources.empty() || (source != livekit::UNKNOWN &&
                               std::find(sources.begin(), sources.end(), source) != sources.end());
}

bool is_dependent(livekit::ParticipantInfo::Kind kind,
                  const livekit::ParticipantPermission& permission) {
    return kind == livekit::ParticipantInfo::AGENT || kind == livekit::ParticipantInfo::EGRESS ||
           permission.agent() || permission.recorder();
}

bool SubscriptionAccess::set(const livekit::SubscriptionPermission& list) {
    if (static_cast<std::size_t>(list.track_permissions_size()) > kMaxEntries ||
        list.ByteSizeLong() > kMaxBytes)
        return false;
    for (const livekit::TrackPermission& entry : list.track_permissions())
        if (entry.participant_sid().empty() && entry.participant_identity().empty()) return false;
    everybody_ = list.all_participants();
    entries_.assign(list.track_permissions().begin(), list.track_permissions().end());
    return true;
}

bool SubscriptionAccess::allows(std::string_view identity, std::string_view sid,
                                std::string_view track_sid) const {
    if (everybody_) return true;
    for (const livekit::TrackPermission& entry : entries_) {
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
