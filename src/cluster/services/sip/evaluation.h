// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What an inbound call becomes by the rule that was chosen for it (05 SIP-28 … SIP-31).
#pragma once

#include "base/rng.h"
#include "cluster/services/sip/matching.h"
#include "livekit_sip.pb.h"
#include "rpc_sip.pb.h"

namespace confab::cluster::services::sip {

// `trunk` may be null. Names of rooms end in letters of `rng` where the rule wants it.
::rpc::EvaluateSIPDispatchRulesResponse evaluate(
    const ::rpc::EvaluateSIPDispatchRulesRequest& request,
    const livekit::SIPInboundTrunkInfo* trunk, const livekit::SIPDispatchRuleInfo& rule, Rng& rng);

}  // namespace confab::cluster::services::sip
