// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The rows of each group; verb_table.h has them together.
#pragma once

#include <span>

#include "app/cli/verb.h"

namespace confab::app::cli {

std::span<const Verb> room_verbs();
std::span<const Verb> participant_verbs();
std::span<const Verb> track_verbs();
std::span<const Verb> join_verbs();
std::span<const Verb> watch_verbs();
std::span<const Verb> token_verbs();
std::span<const Verb> dispatch_verbs();
std::span<const Verb> egress_verbs();
std::span<const Verb> ingress_verbs();
std::span<const Verb> sip_trunk_verbs();
std::span<const Verb> sip_rule_verbs();
std::span<const Verb> sip_call_verbs();
std::span<const Verb> project_verbs();
std::span<const Verb> perf_verbs();
std::span<const Verb> webhook_verbs();
std::span<const Verb> completion_verbs();
std::span<const Verb> later_verbs();

}  // namespace confab::app::cli
