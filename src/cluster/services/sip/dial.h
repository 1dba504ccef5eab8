// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the SIP service is asked for a call out (05 SIP-38): the request over its trunk.
#pragma once

#include <string>

#include "base/result.h"
#include "base/rng.h"
#include "livekit_sip.pb.h"
#include "rpc/error.h"
#include "rpc_sip.pb.h"

namespace confab::cluster::services::sip {

// `request` is without fault (rules/info_rules.h); `trunk` is null where it names none that is
// stored. kFailedPrecondition: there is no number to call from; of several, `rng` takes one.
Result<::rpc::InternalCreateSIPParticipantRequest, rpc::Error> dial_request(
    const livekit::CreateSIPParticipantRequest& request, const livekit::SIPOutboundTrunkInfo* trunk,
    const std::string& call_id, Rng& rng);

}  // namespace confab::cluster::services::sip
