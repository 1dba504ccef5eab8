// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/kinds.h"

#include <string>

namespace confab::agents {

void add_kind(::rpc::CheckEnabledResponse& response, const WorkerKey& key) {
    ::rpc::AgentKind& kind = *response.add_kinds();
    kind.set_type(key.type);
    kind.set_agent_name(key.agent_name);
    kind.set_namespace_(key.ns);
    kind.set_deployment(key.deployment);
}

std::set<WorkerKey> kinds_of(const ::rpc::CheckEnabledResponse& response) {
    std::set<WorkerKey> kinds;
    for (const ::rpc::AgentKind& kind : response.kinds())
        kinds.insert({kind.type(), kind.agent_name(), kind.namespace_(), kind.deployment()});
    if (!kinds.empty()) return kinds;
    std::set<livekit::JobType> types;
    if (response.room_enabled()) types.insert(livekit::JT_ROOM);
    if (response.publisher_enabled()) types.insert(livekit::JT_PUBLISHER);
    if (response.participant_enabled()) types.insert(livekit::JT_PARTICIPANT);
    for (const livekit::JobType type : types)
        for (const std::string& name : response.agent_names())
            for (const std::string& ns : response.namespaces())
                kinds.insert({type, name, ns, kAnyDeployment});
    return kinds;
}

}  // namespace confab::agents
