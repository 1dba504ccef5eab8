// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An inbound call as the SIP service tells of it, and which trunk and which dispatch rule it is for
// (05 section A.5).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "livekit_sip.pb.h"
#include "rpc/error.h"
#include "rpc_sip.pb.h"

namespace confab::cluster::services::sip {

struct InboundCall {
    std::string id;         // SCL_…
    std::string source_ip;  // of whoever the service talks to; empty: not told
    std::string from_user;
    std::string from_host;
    std::string to_user;
};
// From `call`, or of older services from the flat fields.
InboundCall call_of(const ::rpc::GetSIPTrunkAuthenticationRequest& request);
InboundCall call_of(const ::rpc::EvaluateSIPDispatchRulesRequest& request);

// SIP-20 … SIP-23. Null: none matches, which is no error. kInvalidArgument: source_ip is no
// address; kFailedPrecondition: several match.
Result<const livekit::SIPInboundTrunkInfo*, rpc::Error> match_trunk(
    const InboundCall& call, const std::vector<livekit::SIPInboundTrunkInfo>& trunks);

// SIP-24 … SIP-26. `trunk` may be null. Null: none matches. kInvalidArgument: two conflict.
Result<const livekit::SIPDispatchRuleInfo*, rpc::Error> match_rule(
    const ::rpc::EvaluateSIPDispatchRulesRequest& request,
    const livekit::SIPInboundTrunkInfo* trunk,
    const std::vector<livekit::SIPDispatchRuleInfo>& rules);

}  // namespace confab::cluster::services::sip
