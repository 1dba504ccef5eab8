// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "token/permission.h"

#include <algorithm>

namespace confab::token {

livekit::ParticipantPermission to_permission(const VideoGrant& grant) {
    livekit::ParticipantPermission out;
    out.set_can_subscribe(grant.subscribes());
    out.set_can_publish(grant.publishes());
    out.set_can_publish_data(grant.publishes_data());
    out.set_hidden(grant.hidden);
    out.set_recorder(grant.recorder);
    for (const livekit::TrackSource source : grant.can_publish_sources)
        out.add_can_publish_sources(source);
    out.set_can_update_metadata(grant.updates_own_metadata());
    out.set_agent(grant.agent);
    out.set_can_subscribe_metrics(grant.can_subscribe_metrics.value_or(false));
    out.set_can_manage_agent_session(grant.can_manage_agent_session.value_or(false));
    return out;
}

livekit::ParticipantPermission to_permission(const Grants& grants) {
    return to_permission(grants.video.value_or(VideoGrant{}));
}

void set_permission(VideoGrant& grant, const livekit::ParticipantPermission& permission) {
    grant.can_publish = permission.can_publish();
    grant.can_subscribe = permission.can_subscribe();
    grant.can_publish_data = permission.can_publish_data();
    grant.can_update_own_metadata = permission.can_update_metadata();
    grant.can_subscribe_metrics = permission.can_subscribe_metrics();
    grant.can_manage_agent_session = permission.can_manage_agent_session();
    grant.can_publish_sources.clear();
    for (const int source : permission.can_publish_sources())
        grant.can_publish_sources.push_back(static_cast<livekit::TrackSource>(source));
    grant.hidden = permission.hidden();
    grant.recorder = permission.recorder();
    grant.agent = permission.agent();
}

bool same(const livekit::ParticipantPermission& a, const livekit::ParticipantPermission& b) {
    return a.SerializeAsString() == b.SerializeAsString();
}

bool may_publish(const livekit::ParticipantPermission& permission, livekit::TrackSource source) {
    if (!permission.can_publish()) return false;
    const auto& sources = permission.can_publish_sources();
    return sources.empty() || (source != livekit::UNKNOWN &&
                               std::find(sources.begin(), sources.end(), source) != sources.end());
}

}  // namespace confab::token
