// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Changes of trunks and dispatch rules: what an update says over what there is (05 SIP-03). What it
// does not name stays, also what this version does not know.
#pragma once

#include <string>

#include "cluster/services/sip/rules/header_rules.h"
#include "livekit_models.pb.h"
#include "livekit_sip.pb.h"

namespace confab::cluster::services::sip {

// Why a request cannot be an update, whatever there is.
Fault request_fault(const livekit::UpdateSIPInboundTrunkRequest& request);
Fault request_fault(const livekit::UpdateSIPOutboundTrunkRequest& request);
Fault request_fault(const livekit::UpdateSIPDispatchRuleRequest& request);

// What `info` becomes by a request without fault; its id stays.
void apply(const livekit::UpdateSIPInboundTrunkRequest& request,
           livekit::SIPInboundTrunkInfo& info);
void apply(const livekit::UpdateSIPOutboundTrunkRequest& request,
           livekit::SIPOutboundTrunkInfo& info);
void apply(const livekit::UpdateSIPDispatchRuleRequest& request,
           livekit::SIPDispatchRuleInfo& info);

}  // namespace confab::cluster::services::sip
