// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Trunks of the time before there were two kinds, and what they are as either (05 SIP-10).
#pragma once

#include <optional>

#include "livekit_sip.pb.h"

namespace confab::cluster::services::sip {

// Nothing: it is of the other kind only.
std::optional<livekit::SIPInboundTrunkInfo> as_inbound(const livekit::SIPTrunkInfo& trunk);
std::optional<livekit::SIPOutboundTrunkInfo> as_outbound(const livekit::SIPTrunkInfo& trunk);

// With its first number only.
livekit::SIPTrunkInfo as_legacy(const livekit::SIPInboundTrunkInfo& trunk);
livekit::SIPTrunkInfo as_legacy(const livekit::SIPOutboundTrunkInfo& trunk);

}  // namespace confab::cluster::services::sip
