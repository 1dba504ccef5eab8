// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What nodes call each other for on the bus (03 RPC-06 … RPC-09).
#pragma once

#include "rpc/bus.h"

namespace confab::agents {

inline constexpr rpc::Method kCheckEnabled{"AgentInternal", "CheckEnabled", rpc::Flow::kMulti};
inline constexpr rpc::Method kJobRequest{"AgentInternal", "JobRequest", rpc::Flow::kAffinity};
inline constexpr rpc::Method kJobTerminate{"AgentInternal", "JobTerminate"};
// The first worker of a kind came, or one that would take jobs which found nobody: a
// CheckEnabledResponse with that kind, which others than us read as the Empty that they send.
inline constexpr rpc::Method kWorkerRegistered{"AgentInternal", "WorkerRegistered",
                                               rpc::Flow::kPublish};
// Ours: a livekit.Job with its final state, as its worker said (kJobEnded), or because its worker
// did not come back (kJobLost).
inline constexpr rpc::Method kJobEnded{"ConfabAgents", "JobEnded", rpc::Flow::kPublish};
inline constexpr rpc::Method kJobLost{"ConfabAgents", "JobLost", rpc::Flow::kPublish};
// Ours: a livekit.Job that runs, with the worker that has it now; without one while that is away.
inline constexpr rpc::Method kJobHeld{"ConfabAgents", "JobHeld", rpc::Flow::kPublish};

}  // namespace confab::agents
