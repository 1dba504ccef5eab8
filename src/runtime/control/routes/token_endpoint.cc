// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// TokenEndpoint: tokens for the demo page (01 TOK-15).
#include <cstdint>
#include <utility>

#include "base/text.h"
#include "crypto/random.h"
#include "json/json.h"
#include "runtime/control/routes/endpoints.h"
#include "runtime/control/routes/meeting_tokens.h"

namespace confab::control {
namespace {

constexpr Duration kTokenLifetime = Duration::seconds(6 * 3600);
// A meeting that takes place again has the same host.
constexpr Duration kHostKeyLifetime = Duration::seconds(std::int64_t{30} * 24 * 3600);

template <std::size_t N>
std::string unpredictable() {
    return to_hex(crypto::random_bytes<N>());
}

// Whose key it is; an error if that is not to be believed.
Result<std::optional<token::Grants>, TokenRefusal> bearer_of(const std::string& host_key,
                                                             const token::KeyProvider& keys) {
    if (host_key.empty()) return std::nullopt;
    auto grants = token::verify_token(host_key, keys, net::EventLoop::wall());
    if (grants) return std::move(*grants);
    return tl::make_unexpected(TokenRefusal{401, grants.error().text});
}

// Where the page is, clients go, too: TLS of this port, or of a proxy before it.
std::string server_url(const net::HttpRequest& request, bool tls) {
    const bool secure =
        tls || equals_ignore_case(request.headers.get("X-Forwarded-Proto"), "https");
    return (secure ? "wss://" : "ws://") + std::string(request.headers.get("Host"));
}

net::HttpResponse to_response(const TokenAnswer& answer, const token::KeyProvider::Key& key,
                              const std::string& url) {
    const UnixTime now = net::EventLoop::wall();
    const auto add_key = [&](json::Writer& writer, const char* name, const auto& grants) {
        if (grants) writer.string(name, token::mint_token(*grants, key, now, kHostKeyLifetime));
    };
    json::Writer writer;
    writer.begin_object();
    writer.string("server_url", url);
    writer.string("participant_token",
                  token::mint_token(answer.participant, key, now, kTokenLifetime));
    if (!answer.room.empty()) {
        writer.string("room_name", answer.room);
        writer.boolean("waiting", answer.waiting);
    }
    add_key(writer, "host_key", answer.host_key);
    add_key(writer, "lobby_key", answer.lobby_key);
    writer.end_object();
    net::HttpResponse response;
    response.status = 200;
    response.headers.add("Content-Type", "application/json");
    response.headers.add("Cache-Control", "no-store");
    response.body = writer.take();
    return response;
}

}  // namespace

void TokenEndpoint::serve(Call call) {
    const auto refuse = [&](const TokenRefusal& refusal) {
        call.respond_text(refusal.status, refusal.text);
    };
    const auto body = json::parse(call.request.body);
    const auto request = parse_token_request(body ? &*body : nullptr);
    if (!request) return refuse(request.error());
    const auto bearer = bearer_of(request->host_key, keys_);
    if (!bearer) return refuse(bearer.error());
    const auto key = keys_.signing_key();
    if (!key) return call.respond_text(500, "no API key is configured");
    const auto answer =
        answer_token_request(*request, *bearer ? &**bearer : nullptr,
                             unpredictable<kMeetingIdBytes>(), unpredictable<kGuestIdBytes>());
    if (!answer) return refuse(answer.error());
    call.respond(to_response(*answer, *key, server_url(call.request, tls_)));
}

}  // namespace confab::control
