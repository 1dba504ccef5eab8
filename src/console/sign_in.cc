// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/sign_in.h"

#include <array>
#include <utility>

#include "base/text.h"
#include "crypto/hmac.h"
#include "crypto/jws.h"
#include "json/json.h"

namespace confab::console {
namespace {

constexpr std::size_t kMaxCookie = 2048;
constexpr std::string_view kOperator = "operator";
constexpr std::string_view kViewer = "viewer";

// Of equal length whatever is compared, so that the time says nothing.
bool same_secret(std::string_view a, std::string_view b) {
    static constexpr std::string_view kLabel = "compare";
    const auto first = crypto::hmac_sha256(as_bytes(kLabel), as_bytes(a));
    const auto second = crypto::hmac_sha256(as_bytes(kLabel), as_bytes(b));
    return equal_constant_time(first, second);
}

Session begun(Role role, std::string_view name, UnixTime now, std::string id) {
    return {role, std::string(name), false, now + kSessionTime, std::move(id)};
}

std::string text_of(const json::Value& value, std::string_view name) {
    const json::Value* const found = value.find(name);
    return found != nullptr && found->kind == json::Kind::kString ? found->string : std::string();
}

std::optional<Session> parse(std::string_view payload) {
    const auto value = json::parse(payload);
    if (!value || value->kind != json::Kind::kObject) return std::nullopt;
    const std::string role = text_of(*value, "role");
    const json::Value* const expires = value->find("exp");
    const json::Value* const by_key = value->find("by_key");
    if ((role != kOperator && role != kViewer) || expires == nullptr ||
        expires->kind != json::Kind::kNumber || by_key == nullptr)
        return std::nullopt;
    constexpr double kLastSecond = 1e11;
    if (!(expires->number > 0 && expires->number < kLastSecond)) return std::nullopt;
    Session session;
    session.role = role == kOperator ? Role::kOperator : Role::kViewer;
    session.name = text_of(*value, "name");
    session.by_key = by_key->kind == json::Kind::kBool && by_key->boolean;
    session.expires = UnixTime::seconds(static_cast<std::int64_t>(expires->number));
    session.id = text_of(*value, "id");
    return session;
}

}  // namespace

std::string_view to_text(Role role) {
    return role == Role::kOperator ? kOperator : kViewer;
}

Result<Session, SignInError> SignIn::by_key(std::string_view api_key, std::string_view secret,
                                            UnixTime now, std::string id) const {
    const auto key = keys_.find_key(api_key);
    const bool same = same_secret(key ? key->secret : std::string(), secret);
    if (!key || key->secret.empty() || !same) return fail(SignInError::kWrong);
    if (!key->tenant.empty()) return fail(SignInError::kTenant);
    Session session = begun(Role::kOperator, key->name, now, std::move(id));
    session.by_key = true;
    return session;
}

Result<Session, SignInError> SignIn::by_password(std::string_view password, UnixTime now,
                                                 std::string id) const {
    const bool of_operator = same_secret(passwords_.of_operator, password);
    const bool of_viewer = same_secret(passwords_.of_viewer, password);
    if (password.empty() || (!of_operator && !of_viewer)) return fail(SignInError::kWrong);
    return of_operator ? begun(Role::kOperator, kOperator, now, std::move(id))
                       : begun(Role::kViewer, kViewer, now, std::move(id));
}

// A password may be short, and its owner's cookie is seen by others than who knows the password: a
// secret that cannot be guessed goes into the key.
std::optional<Bytes> SignIn::key_of(const Session& session) const {
    const auto made = [](BytesView secret, const std::string& purpose) {
        const auto digest = crypto::hmac_sha256(secret, as_bytes(purpose));
        return Bytes(digest.begin(), digest.end());
    };
    if (session.by_key) {
        const auto key = keys_.find_key(session.name);
        if (!key || key->secret.empty() || !key->tenant.empty()) return std::nullopt;
        return made(as_bytes(key->secret), "confab console session of a key");
    }
    const std::string& password =
        session.role == Role::kOperator ? passwords_.of_operator : passwords_.of_viewer;
    if (password.empty()) return std::nullopt;
    const auto strong = keys_.signing_key();
    return made(
        strong ? as_bytes(strong->secret) : BytesView(own_secret_),
        "confab console session of " + std::string(to_text(session.role)) + ": " + password);
}

std::string SignIn::sign(const Session& session) const {
    const auto key = key_of(session);
    if (!key) return {};
    json::Writer payload;
    payload.begin_object();
    payload.string("role", to_text(session.role));
    payload.string("name", session.name);
    payload.boolean("by_key", session.by_key);
    payload.integer("exp", session.expires.s());
    payload.string("id", session.id);
    payload.end_object();
    return crypto::jws_sign(as_bytes(payload.take()), *key);
}

std::optional<Session> SignIn::read(std::string_view cookie, UnixTime now) const {
    if (cookie.size() > kMaxCookie) return std::nullopt;
    const auto jws = crypto::jws_parse(cookie);
    if (!jws) return std::nullopt;
    // Of what is not verified yet only who would have signed it counts.
    auto session = parse(as_text(jws->payload));
    if (!session) return std::nullopt;
    const auto key = key_of(*session);
    if (!key || !crypto::jws_verify(*jws, *key)) return std::nullopt;
    if (session->expires <= now || signed_out_.contains(session->id)) return std::nullopt;
    return session;
}

void SignIn::sign_out(const Session& session, UnixTime now) {
    signed_out_.add(session.id, session.expires, now);
}

std::string_view find_cookie(std::string_view header, std::string_view name) {
    while (!header.empty()) {
        const std::string_view pair = trim(next_token(header, ';'));
        const std::size_t equals = pair.find('=');
        if (equals != pair.npos && pair.substr(0, equals) == name) return pair.substr(equals + 1);
    }
    return {};
}

std::string cookie_header(std::string_view value, bool secure) {
    std::string header(kCookieName);
    header.append("=").append(value).append("; Path=/console; HttpOnly; SameSite=Strict; Max-Age=");
    header.append(std::to_string(value.empty() ? 0 : kSessionTime.us() / 1'000'000));
    if (secure) header.append("; Secure");
    return header;
}

}  // namespace confab::console
