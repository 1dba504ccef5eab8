// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/console/console_door.h"

#include <utility>

#include "base/text.h"
#include "console/requests.h"
#include "console/views.h"
#include "crypto/random.h"
#include "runtime/control/console/console_answers.h"
#include "runtime/net/event_loop.h"
#include "runtime/telemetry/log.h"

namespace confab::control {
namespace {

constexpr std::size_t kIdOctets = 16;
constexpr std::size_t kSecretOctets = 32;

std::string random_id() {
    return to_hex(crypto::random_bytes<kIdOctets>());
}

Bytes random_secret() {
    const auto octets = crypto::random_bytes<kSecretOctets>();
    return Bytes(octets.begin(), octets.end());
}

// As logs and events have it; what a client says of itself may be of any length.
std::string shown_address(const Call& call) {
    constexpr std::size_t kMax = 128;
    return call.client_address().substr(0, kMax);
}

}  // namespace

ConsoleDoor::ConsoleDoor(const token::KeyProvider& keys, Options options, Told told)
    : sign_in_(keys, random_secret()),
      tls_(options.tls),
      keep_signed_out_(std::move(options.keep_signed_out)),
      told_(std::move(told)) {
    sign_in_.set_signed_out(std::move(options.signed_out));
}

std::optional<console::Session> ConsoleDoor::session_of(const Call& call) const {
    const std::string_view cookie =
        console::find_cookie(call.request.headers.get("Cookie"), console::kCookieName);
    if (cookie.empty()) return std::nullopt;
    return sign_in_.read(cookie, net::EventLoop::wall());
}

// A cookie that came by plain HTTP must not be asked back by TLS alone, and one of TLS never goes
// without.
bool ConsoleDoor::is_secure(const Call& call) const {
    return tls_ || equals_ignore_case(call.request.headers.get("X-Forwarded-Proto"), "https");
}

void ConsoleDoor::serve(Call call) {
    if (call.request.method == "POST") return sign_in(std::move(call));
    if (call.request.method == "DELETE") return sign_out(std::move(call));
    if (call.request.method != "GET")
        return answer_error(call, 405, "GET, POST or DELETE the session");
    const auto session = session_of(call);
    if (!session) return answer_error(call, 401, "nobody is signed in: POST the session first");
    answer_json(call, console::to_json(*session));
}

void ConsoleDoor::sign_in(Call call) {
    const Timestamp now = net::EventLoop::now();
    // Where the configuration names the proxies, what they say of the client is believed, and it
    // alone has to wait; else both have, as what is said may be made up.
    const bool is_named = !call.named_source.empty();
    const IpAddress socket = is_named ? call.source : call.request.remote.ip;
    const std::string address = is_named ? std::string() : call.client_address();
    if (const auto wait = limiter_.wait(socket, address, now)) {
        net::HttpResponse response = console_response(
            429, console::error_json("too many wrong attempts: wait, then try again"));
        response.headers.add("Retry-After", std::to_string(wait->us() / 1'000'000 + 1));
        return call.respond(std::move(response));
    }
    const auto body = console::parse_sign_in(call.request.body);
    if (!body)
        return answer_error(call, 400,
                            R"(the body is {"key":"…","secret":"…"} or {"password":"…"})");
    const UnixTime wall = net::EventLoop::wall();
    const auto session = body->key.empty()
                             ? sign_in_.by_password(body->password, wall, random_id())
                             : sign_in_.by_key(body->key, body->secret, wall, random_id());
    if (session) return begin(call, *session);
    if (session.error() == console::SignInError::kWrong) limiter_.failed(socket, address, now);
    refuse(call, session.error());
}

void ConsoleDoor::begin(Call& call, const console::Session& session) {
    const std::string address = shown_address(call);
    telemetry::log_info(
        "signed in to the console",
        {{"who", session.name}, {"role", console::to_text(session.role)}, {"address", address}});
    told_("signed_in", session.name, address);
    net::HttpResponse response = console_response(200, console::to_json(session));
    response.headers.add("Set-Cookie",
                         console::cookie_header(sign_in_.sign(session), is_secure(call)));
    call.respond(std::move(response));
}

void ConsoleDoor::refuse(Call& call, console::SignInError error) {
    const std::string address = shown_address(call);
    telemetry::log_warn("nobody was let in to the console", {{"address", address}});
    told_("sign_in_refused", {}, address);
    if (error == console::SignInError::kTenant)
        return answer_error(call, 403,
                            "this key is a tenant's, and the console shows the whole server: sign "
                            "in with a key of no tenant, or a password of the console");
    answer_error(call, 401,
                 "that is no API key with its secret and no password of the console: see keys, "
                 "confab.console_password and confab.console_viewer_password of the configuration");
}

void ConsoleDoor::sign_out(Call call) {
    if (const auto session = session_of(call)) {
        sign_in_.sign_out(*session, net::EventLoop::wall());
        if (keep_signed_out_) keep_signed_out_(sign_in_.signed_out().text());
        told_("signed_out", session->name, shown_address(call));
    }
    net::HttpResponse response = console_response(200, "{}");
    response.headers.add("Set-Cookie", console::cookie_header({}, is_secure(call)));
    call.respond(std::move(response));
}

}  // namespace confab::control
