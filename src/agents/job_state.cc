// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/job_state.h"

#include "token/ids.h"

namespace confab::agents {

livekit::JobState running_state(const std::string& worker, UnixTime wall) {
    livekit::JobState state;
    state.set_status(livekit::JS_RUNNING);
    state.set_started_at(nanoseconds(wall));
    state.set_updated_at(nanoseconds(wall));
    state.set_worker_id(worker);
    return state;
}

void end_state(livekit::JobState& state, livekit::JobStatus status, const std::string& error,
               UnixTime wall) {
    state.set_status(status);
    state.set_error(error);
    state.set_ended_at(nanoseconds(wall));
    state.set_updated_at(nanoseconds(wall));
}

bool is_job_id(const std::string& id) {
    return id.starts_with(token::kAgentJobPrefix) &&
           id.size() == token::kAgentJobPrefix.size() + token::kIdLength &&
           id.find('_', token::kAgentJobPrefix.size()) == std::string::npos &&
           token::is_valid_id(id);
}

}  // namespace confab::agents
