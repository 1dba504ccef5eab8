// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/worker_key.h"

namespace confab::agents {

WorkerKey key_of(const livekit::Job& job) {
    return {job.type(), job.agent_name(), job.namespace_(), job.deployment()};
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
