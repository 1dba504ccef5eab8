// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Trunks and dispatch rules that nobody could choose between (05 SIP-01, SIP-26), with the texts
// that SDK users know. Nothing: they go together.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cluster/services/sip/rules/header_rules.h"
#include "livekit_sip.pb.h"

namespace confab::cluster::services::sip {

// Of trunks, callers and called numbers that one rule may name; what a stored one has beyond is not
// compared.
inline constexpr std::size_t kMaxCombinations = 10'000;

// `changed` is among `all` or, without an id, new. A rule that names a trunk or a number twice
// conflicts with itself.
Fault trunk_conflict(const livekit::SIPInboundTrunkInfo& changed,
                     const std::vector<livekit::SIPInboundTrunkInfo>& all);
Fault rule_conflict(const livekit::SIPDispatchRuleInfo& changed,
                    const std::vector<livekit::SIPDispatchRuleInfo>& all);
// Two of these that conflict.
Fault rule_conflict(const std::vector<const livekit::SIPDispatchRuleInfo*>& rules);

// Of a rule that is of a kind known here; empty: none is asked for.
const std::string& pin_of(const livekit::SIPDispatchRuleInfo& rule);

}  // namespace confab::cluster::services::sip
