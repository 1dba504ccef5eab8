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
    // The namespace, deprecated. With the tenant of the worker's key, as token::room_key() makes
    // it: workers and topics of tenants are apart as those of namespaces are. No worker sees it.
    std::string ns;
    std::string deployment;
    auto operator<=>(const WorkerKey&) const = default;
};

WorkerKey key_of(const livekit::Job& job);
// Between hub and launcher, where the namespace of a job is that of its kind: whose it is, and by
// what its room is found.
std::string_view tenant_of(const livekit::Job& job);
std::string room_key_of(const livekit::Job& job);
// As it is shown: without the tenant.
void hide_tenant(livekit::Job& job);
// 03 RPC-32: name and namespace, whichever there are, and the deployment. Different keys may have
// the same topic, so whoever serves it looks at the job.
std::string agent_topic(const WorkerKey& key);
// "room", "publisher", "participant"
std::string_view type_word(livekit::JobType type);

}  // namespace confab::agents
