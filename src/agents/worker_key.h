// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What makes workers exchangeable: a job goes to one that has exactly this (05 B.3), and nodes call
// each other by it.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/time.h"
#include "livekit_agent.pb.h"

namespace confab::agents {

// Both clocks of one moment; the wall clock is only shown and signed.
struct Clock {
    Timestamp now;
    UnixTime wall;
};

struct WorkerKey {
    livekit::JobType type = livekit::JT_ROOM;
    std::string agent_name;
    std::string ns;  // namespace, deprecated
    std::string deployment;
    auto operator<=>(const WorkerKey&) const = default;
};

WorkerKey key_of(const livekit::Job& job);
// 03 RPC-32: name and namespace, whichever there are, and the deployment. Different keys may have
// the same topic, so whoever serves it looks at the job.
std::string agent_topic(const WorkerKey& key);
// "room", "publisher", "participant"
std::string_view type_word(livekit::JobType type);

}  // namespace confab::agents
