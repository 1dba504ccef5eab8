// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The STUN and TURN servers a participant is told (01 SIG-88), with credentials made for it where
// the TURN server shares a secret with us (the "TURN REST API" form:
//    username "expiry:participant", password base64(HMAC-SHA1(secret, username))).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net_address.h"
#include "base/time.h"
#include "config/config.h"
#include "livekit_models.pb.h"
#include "livekit_rtc.pb.h"
#include "room/scope/config.h"

namespace confab::app {

// Our own TURN server as clients are told of it (TURN-02).
struct EmbeddedTurn {
    std::vector<SocketAddress> udp;  // one for each address of the node; none with shares_media
    // Its UDP port is that of media. Clients are not told of it then: libwebrtc takes whatever
    // comes from the address of a STUN or TURN server for its answers, so that checks and media of
    // ours from there were lost. Who can reach that port needs neither.
    bool shares_media = false;
    std::string tls_domain;  // empty: no TURN over TLS
    // Always this one (SIG-88), but where the HTTP port is TURN's, too.
    std::uint16_t tls_port = 443;
    std::uint32_t ttl_seconds = 300;
    std::function<std::optional<std::string>(std::string_view api_key)> find_secret;
};

// `turn`: null where there is none. Servers over UDP are left out for a user.tls_only.
std::vector<livekit::ICEServer> ice_servers(const config::Rtc& rtc, const EmbeddedTurn* turn,
                                            const room::IceUser& user, UnixTime now);

}  // namespace confab::app
