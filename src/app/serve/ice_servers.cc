// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/ice_servers.h"

#include <string>

#include "app/serve/public_stun.h"
#include "base/text.h"
#include "crypto/hmac.h"

namespace confab::app {
namespace {

std::string turn_url(const config::TurnServer& turn) {
    const bool v6 = turn.host.find(':') != std::string::npos && !turn.host.starts_with('[');
    const std::string host = v6 ? "[" + turn.host + "]" : turn.host;
    return std::string(turn.protocol == "tls" ? "turns:" : "turn:") + host + ":" +
           std::to_string(turn.port) + "?transport=" + (turn.protocol == "udp" ? "udp" : "tcp");
}

livekit::ICEServer turn_server(const config::TurnServer& turn, std::string_view participant_sid,
                               UnixTime now) {
    livekit::ICEServer server;
    server.add_urls(turn_url(turn));
    if (turn.secret.empty()) {
        server.set_username(turn.username);
        server.set_credential(std::string(turn.credential.reveal()));
        return server;
    }
    const std::string username =
        std::to_string(now.s() + turn.ttl) + ":" + std::string(participant_sid);
    const auto mac = crypto::hmac_sha1(as_bytes(turn.secret.reveal()), as_bytes(username));
    server.set_username(username);
    server.set_credential(base64_encode(mac));
    return server;
}

}  // namespace

std::vector<livekit::ICEServer> ice_servers(const config::Rtc& rtc,
                                            std::string_view participant_sid, bool tls_only,
                                            UnixTime now) {
    std::vector<livekit::ICEServer> servers;
    if (!rtc.stun_servers.empty()) {
        livekit::ICEServer& server = servers.emplace_back();
        for (const std::string& one : rtc.stun_servers)
            server.add_urls("stun:" + one);
    }
    for (const config::TurnServer& turn : rtc.turn_servers)
        if (!tls_only || turn.protocol != "udp")
            servers.push_back(turn_server(turn, participant_sid, now));
    if (rtc.stun_servers.empty() && rtc.turn_servers.empty()) {
        livekit::ICEServer& server = servers.emplace_back();
        for (const char* address : kPublicStun)
            server.add_urls(std::string("stun:") + address);
    }
    return servers;
}

}  // namespace confab::app
