// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The state of a job as its worker's node makes it, and what is the id of one.
#pragma once

#include <string>

#include "base/time.h"
#include "livekit_agent.pb.h"

namespace confab::agents {

inline std::int64_t nanoseconds(UnixTime time) {
    return time.us() * 1000;
}
livekit::JobState running_state(const std::string& worker, UnixTime wall);
void end_state(livekit::JobState& state, livekit::JobStatus status, const std::string& error,
               UnixTime wall);
// As every server makes them (SID-01); anything else would be made up.
bool is_job_id(const std::string& id);

}  // namespace confab::agents
