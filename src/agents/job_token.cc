// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_token.h"

namespace confab::agents {

token::Grants job_grants(const livekit::Job& job, const livekit::AvailabilityResponse& answer,
                         const livekit::ParticipantPermission& permissions) {
    token::Grants grants;
    grants.identity = answer.participant_identity();
    grants.name = answer.participant_name();
    grants.kind = livekit::ParticipantInfo::AGENT;
    grants.metadata = answer.participant_metadata();
    for (const auto& [key, value] : answer.participant_attributes())
        grants.attributes[key] = value;
    grants.attributes["lk.agent_name"] = job.agent_name();
    token::VideoGrant& video = grants.video.emplace();
    video.room_join = true;
    video.room = job.room().name();
    video.agent = true;
    video.can_subscribe = permissions.can_subscribe();
    video.can_publish = permissions.can_publish();
    video.can_publish_data = permissions.can_publish_data();
    video.can_update_own_metadata = permissions.can_update_metadata();
    video.can_subscribe_metrics = permissions.can_subscribe_metrics();
    video.hidden = permissions.hidden();
    return grants;
}

std::optional<std::string> job_token(const token::Grants& grants, const std::string& api_key,
                                     const token::KeyProvider& keys, UnixTime now) {
    const auto secret = keys.find_secret(api_key);
    if (!secret) return std::nullopt;
    return token::mint_job_token(grants, {api_key, *secret}, now, kJobTokenLifetime);
}

}  // namespace confab::agents
