// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/worker_key.h"

#include "token/room_key.h"

namespace confab::agents {

WorkerKey key_of(const livekit::Job& job) {
    return {job.type(), job.agent_name(), job.namespace_(), job.deployment()};
}

std::string_view tenant_of(const livekit::Job& job) {
    return token::split_room_key(job.namespace_()).tenant;
}

std::string room_key_of(const livekit::Job& job) {
    return token::room_key(tenant_of(job), job.room().name());
}

void hide_tenant(livekit::Job& job) {
    job.set_namespace_(std::string(token::split_room_key(job.namespace_()).name));
}

std::string agent_topic(const WorkerKey& key) {
    std::string topic = key.agent_name;
    if (!topic.empty() && !key.ns.empty()) topic += '_';
    topic += key.ns;
    if (!key.deployment.empty()) topic += '_' + key.deployment;
    return topic;
}

std::string_view type_word(livekit::JobType type) {
    switch (type) {
        case livekit::JT_PUBLISHER:
            return "publisher";
        case livekit::JT_PARTICIPANT:
            return "participant";
        default:
            return "room";
    }
}

}  // namespace confab::agents
