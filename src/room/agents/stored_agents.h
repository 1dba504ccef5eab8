// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a store has of the agents of a room that was another node's (03 RDS-18, RDS-19).
#pragma once

#include <vector>

#include "livekit_agent.pb.h"
#include "livekit_agent_dispatch.pb.h"

namespace confab::room {

struct StoredAgents {
    std::vector<livekit::AgentDispatch> dispatches;
    std::vector<livekit::Job> jobs;
};

}  // namespace confab::room
