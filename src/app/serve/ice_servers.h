// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The STUN and TURN servers a participant is told (01 SIG-88), with credentials made for it where
// the TURN server shares a secret with us (the "TURN REST API" form:
//    username "expiry:participant", password base64(HMAC-SHA1(secret, username))).
#pragma once

#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/config.h"
#include "livekit_models.pb.h"
#include "livekit_rtc.pb.h"

namespace confab::app {

// `tls_only`: the participant's connection fell back to TURN over TLS, UDP servers are left out.
std::vector<livekit::ICEServer> ice_servers(const config::Rtc& rtc,
                                            std::string_view participant_sid, bool tls_only,
                                            UnixTime now);

}  // namespace confab::app
