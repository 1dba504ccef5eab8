// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A transfer of a call up to the call that is meant (01 API-34, 05 SIP-09, SIP-17): grants, whom
// to, and the participant of the room that the call is. The same with and without a SIP service.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/ports.h"
#include "api/twirp/twirp_call.h"
#include "livekit_sip.pb.h"

namespace confab::api {

CheckResult require_sip(const token::Grants* grants, bool token::SipGrant::* flag);

// As the service takes it: `<sip:…>`, `<sips:…>` or `tel:…`; nothing if it is none of these, with
// or without `<>`.
std::optional<std::string> transfer_target(std::string_view uri);

// What names no participant is refused before grants are looked at.
CheckResult check_transfer(const token::Grants* grants,
                           const livekit::TransferSIPParticipantRequest& request);

// The id of the call that a participant is. not_found "participant does not exist";
// invalid_argument "no SIP session associated with participant".
void find_call(RoomServicePort& rooms, const CallContext& context,
               const livekit::TransferSIPParticipantRequest& request, Reply<std::string> reply);

}  // namespace confab::api
