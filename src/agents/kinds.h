// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How nodes tell each other which kinds of workers there are (03 RPC-06, RPC-09).
#pragma once

#include <set>

#include "agents/worker_key.h"
#include "rpc_agent.pb.h"

namespace confab::agents {

void add_kind(::rpc::CheckEnabledResponse& response, const WorkerKey& key);
// Of kinds whose deployments nobody names: the name of none.
inline constexpr const char* kAnyDeployment = "_";
// What others than us answer says names and namespaces, not which go together: all pairs then, of
// any deployment.
std::set<WorkerKey> kinds_of(const ::rpc::CheckEnabledResponse& response);

}  // namespace confab::agents
