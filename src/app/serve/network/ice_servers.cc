// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/network/ice_servers.h"

#include <string>
#include <utility>

#include "app/serve/network/public_stun.h"
#include "base/text.h"
#include "crypto/hmac.h"
#include "turn/credentials.h"

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

// Without URLs where there is nothing for this user. In the fallback UDP is left out, unless there
// is nothing else (TURN-02).
livekit::ICEServer embedded_server(const EmbeddedTurn& turn, const room::IceUser& user,
                                   UnixTime now) {
    livekit::ICEServer server;
    const auto secret = turn.find_secret(user.api_key);
    if (!secret) return server;
    if (!user.tls_only || turn.tls_domain.empty())
        for (const SocketAddress& address : turn.udp)
            server.add_urls("turn:" + address.to_string() + "?transport=udp");
    if (!turn.tls_domain.empty())
        server.add_urls("turns:" + turn.tls_domain + ":" + std::to_string(turn.tls_port) +
                        "?transport=tcp");
    const turn::User made{std::string(user.api_key), std::string(user.participant_sid),
                          now.s() + turn.ttl_seconds};
    server.set_username(turn::make_username(made));
    server.set_credential(turn::make_password(made, *secret));
    return server;
}

}  // namespace

std::vector<livekit::ICEServer> ice_servers(const config::Rtc& rtc, const EmbeddedTurn* turn,
                                            const room::IceUser& user, UnixTime now) {
    std::vector<livekit::ICEServer> servers;
    if (turn != nullptr) {
        livekit::ICEServer server = embedded_server(*turn, user, now);
        if (server.urls_size() > 0) servers.push_back(std::move(server));
    }
    if (!rtc.stun_servers.empty()) {
        livekit::ICEServer& server = servers.emplace_back();
        for (const std::string& one : rtc.stun_servers)
            server.add_urls("stun:" + one);
    }
    for (const config::TurnServer& one : rtc.turn_servers)
        if (!user.tls_only || one.protocol != "udp")
            servers.push_back(turn_server(one, user.participant_sid, now));
    const bool own_stun = turn != nullptr && (!turn->udp.empty() || turn->shares_media);
    if (!own_stun && rtc.stun_servers.empty() && rtc.turn_servers.empty()) {
        livekit::ICEServer& server = servers.emplace_back();
        for (const char* address : kPublicStun)
            server.add_urls(std::string("stun:") + address);
    }
    return servers;
}

}  // namespace confab::app
