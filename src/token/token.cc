// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Order of checks: form → issuer known → signature → times → types of the other claims.
#include "token/token.h"

#include <algorithm>

#include "crypto/jws.h"
#include "json/json.h"
#include "token/token_errors.h"

namespace confab::token {
namespace {

constexpr double kMaxNumericDate = 253402300799.0;  // year 9999; keeps microseconds in range

tl::unexpected<TokenError> refuse(const ErrorText& why, std::string_view detail = {}) {
    TokenError error{std::string(why.text)};
    if (!detail.empty()) error.text.append(": ").append(detail);
    return tl::unexpected<TokenError>(std::move(error));
}

std::optional<KeyProvider::Key> key_of(const Grants& grants, const KeyProvider& keys) {
    auto key = keys.find_key(grants.api_key);
    if (key && key->tenant == grants.tenant) return key;
    return keys.signing_key_of(grants.tenant);
}

// The registered claims of RFC 7519 §4.1 that count.
struct Registered {
    std::string issuer;
    std::string subject;
    std::string id;
    std::optional<UnixTime> expires;
    std::optional<UnixTime> not_before;
    std::optional<UnixTime> issued_at;
};

bool read_text(const json::Value& claims, std::string_view name, std::string& out) {
    const json::Value* value = claims.find(name);
    if (value == nullptr || value->is_null()) return true;
    out = value->string;
    return value->kind == json::Kind::kString;
}

// A number, or a text of one: some minters write dates so, and Go's json.Number takes both.
std::optional<double> number_of(const json::Value& value) {
    if (value.kind == json::Kind::kNumber) return value.number;
    if (value.kind != json::Kind::kString) return std::nullopt;
    const auto inner = json::parse(value.string);
    if (!inner || inner->kind != json::Kind::kNumber || inner->raw != value.string)
        return std::nullopt;
    return inner->number;
}

bool read_date(const json::Value& claims, std::string_view name, std::optional<UnixTime>& out) {
    const json::Value* value = claims.find(name);
    if (value == nullptr || value->is_null()) return true;
    const std::optional<double> number = number_of(*value);
    if (!number) return false;
    const double seconds = std::clamp(*number, 0.0, kMaxNumericDate);
    out = UnixTime::seconds(static_cast<std::int64_t>(seconds));
    return true;
}

std::optional<Registered> read_registered(const json::Value& claims) {
    Registered out;
    const bool ok = claims.kind == json::Kind::kObject && read_text(claims, "iss", out.issuer) &&
                    read_text(claims, "sub", out.subject) && read_text(claims, "jti", out.id) &&
                    read_date(claims, "exp", out.expires) &&
                    read_date(claims, "nbf", out.not_before) &&
                    read_date(claims, "iat", out.issued_at);
    if (!ok) return std::nullopt;
    return out;
}

// Empty if the times are right. `iat` is not checked (TOK-01).
std::string_view time_error(const Registered& registered, UnixTime now) {
    if (!registered.expires) return kNoExpiry.text;
    if (now > *registered.expires + kTokenLeeway) return kExpired.text;
    if (registered.not_before && now + kTokenLeeway < *registered.not_before)
        return kNotYetValid.text;
    return {};
}

// The later one of nbf and iat: either may lie in the past on purpose, for clocks that are slow.
UnixTime issued_at(const Registered& registered) {
    if (registered.not_before || registered.issued_at)
        return std::max(registered.not_before.value_or(UnixTime()),
                        registered.issued_at.value_or(UnixTime()));
    return std::max(UnixTime(), *registered.expires - kUsualTokenLifetime);
}

std::string mint(const Grants& grants, const KeyProvider::Key& key, UnixTime now, Duration lifetime,
                 bool names_identity) {
    json::Writer claims;
    claims.begin_object();
    claims.string("iss", key.name);
    if (!grants.identity.empty()) claims.string("sub", grants.identity);
    if (names_identity && !grants.identity.empty()) claims.string("identity", grants.identity);
    const UnixTime issued = grants.issued_at.value_or(now);
    claims.integer("iat", issued.s());
    claims.integer("nbf", std::min(issued, now).s());
    claims.integer("exp", (now + lifetime).s());
    write_grants(grants, claims);
    claims.end_object();
    return crypto::jws_sign(as_bytes(claims.take()), as_bytes(key.secret));
}

}  // namespace

std::optional<std::string> KeyProvider::find_secret(std::string_view api_key) const {
    auto key = find_key(api_key);
    if (!key) return std::nullopt;
    return std::move(key->secret);
}

std::string KeyMap::tenant_of(std::string_view api_key) const {
    const auto found = tenants_.find(api_key);
    return found == tenants_.end() ? std::string() : found->second;
}

std::optional<KeyProvider::Key> KeyMap::find_key(std::string_view api_key) const {
    const auto found = keys_.find(api_key);
    if (found == keys_.end()) return std::nullopt;
    return Key{found->first, found->second, tenant_of(api_key)};
}

std::optional<KeyProvider::Key> KeyMap::signing_key_of(std::string_view tenant) const {
    for (const auto& [name, secret] : keys_)
        if (tenant_of(name) == tenant) return Key{name, secret, std::string(tenant)};
    return std::nullopt;
}

std::set<std::string> KeyMap::tenants() const {
    std::set<std::string> all;
    for (const auto& [key, tenant] : tenants_)
        all.insert(tenant);
    return all;
}

Result<Grants, TokenError> verify_token(std::string_view token, const KeyProvider& keys,
                                        UnixTime now) {
    const auto jws = crypto::jws_parse(token);
    if (!jws) return refuse(kUnreadableToken);
    const auto claims = json::parse(as_text(jws->payload), json::LoneSurrogate::kReplaced);
    if (!claims) return refuse(kUnreadableToken);
    const auto registered = read_registered(*claims);
    if (!registered) return refuse(kUnreadableToken);

    const auto key = keys.find_key(registered->issuer);
    if (!key) return refuse(kUnknownKey);
    if (const auto verified = crypto::jws_verify(*jws, as_bytes(key->secret)); !verified)
        return refuse(kUnreadableToken,
                      std::string(kBadSignature.text) + ": " + to_text(verified.error()));
    if (const std::string_view error = time_error(*registered, now); !error.empty())
        return refuse(kUnreadableToken, error);

    auto grants = parse_grants(*claims);
    if (!grants)
        return refuse(kUnreadableToken, std::string(kWrongClaim.text) + ": " +
                                            grants.error().claim + " is of type " +
                                            std::string(to_text(grants.error().found)));
    grants->api_key = registered->issuer;
    grants->tenant = key->tenant;
    grants->identity = registered->subject.empty() ? registered->id : registered->subject;
    grants->issued_at = issued_at(*registered);
    grants->expires_at = registered->expires;
    return *std::move(grants);
}

std::string mint_token(const Grants& grants, const KeyProvider::Key& key, UnixTime now,
                       Duration lifetime) {
    return mint(grants, key, now, lifetime, false);
}

std::string mint_job_token(const Grants& grants, const KeyProvider::Key& key, UnixTime now,
                           Duration lifetime) {
    return mint(grants, key, now, lifetime, true);
}

std::string mint_refresh_token(const Grants& grants, const KeyProvider& keys, UnixTime now) {
    const auto key = key_of(grants, keys);
    if (!key) return {};
    Grants kept;
    kept.identity = grants.identity;
    kept.publishes_for = grants.publishes_for;
    kept.issued_at = grants.issued_at.value_or(UnixTime());
    kept.name = grants.name;
    kept.kind = grants.kind;
    kept.metadata = grants.metadata;
    kept.attributes = grants.attributes;
    kept.video = grants.video;
    kept.room_config = grants.room_config;
    kept.room_preset = grants.room_preset;
    if (kept.room_config) strip_upload_secrets(*kept.room_config);
    const Duration left = grants.expires_at ? *grants.expires_at - now : Duration::zero();
    return mint_token(kept, *key, now, std::max(left, kMinRefreshLifetime));
}

}  // namespace confab::token
