// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What trunks, dispatch rules and calls may be (05 section A.4), with the texts that SDK users
// know. Nothing: there is no fault.
#pragma once

#include <string>

#include "cluster/services/sip/rules/header_rules.h"
#include "livekit_sip.pb.h"

namespace confab::cluster::services::sip {

Fault media_fault(const livekit::SIPMediaConfig& media);
Fault inbound_fault(const livekit::SIPInboundTrunkInfo& trunk);    // SIP-11
Fault outbound_fault(const livekit::SIPOutboundTrunkInfo& trunk);  // SIP-12
Fault rule_fault(const livekit::SIPDispatchRuleInfo& rule);
// SIP-13, SIP-16.
Fault call_fault(const livekit::CreateSIPParticipantRequest& request);

}  // namespace confab::cluster::services::sip
