// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Names of participants' attributes (05 SIP-96).
#pragma once

namespace confab::cluster::services::sip {

inline constexpr const char* kCallId = "sip.callID";
inline constexpr const char* kTrunkId = "sip.trunkID";
inline constexpr const char* kRuleId = "sip.ruleID";
inline constexpr const char* kTrunkNumber = "sip.trunkPhoneNumber";  // ours
inline constexpr const char* kPhoneNumber = "sip.phoneNumber";       // the other end's
inline constexpr const char* kHostName = "sip.hostname";             // the other end's

}  // namespace confab::cluster::services::sip
