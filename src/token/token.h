// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Access tokens (01 section 2): compact JWS with HS256 whose claims are Grants.
// Verification order and texts follow 01 CON-21 in the form after release 1.13.5 (CON-47): no token
// is echoed, and a token without `exp` is refused.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "token/grants.h"

namespace confab::token {

inline constexpr Duration kTokenLeeway = Duration::seconds(60);          // TOK-01
inline constexpr Duration kMinRefreshLifetime = Duration::seconds(600);  // TOK-12
// Of tokens that say neither when they were issued nor from when on they count: what the SDKs give
// them that do so (Java, Kotlin), unless told otherwise.
inline constexpr Duration kUsualTokenLifetime = Duration::seconds(std::int64_t{6} * 3600);

// API key → secret (TOK-02).
class KeyProvider {
  public:
    virtual ~KeyProvider() = default;
    struct Key {
        std::string name;
        std::string secret;
        std::string tenant = {};  // empty: the operator's
    };
    // nullopt if the key is unknown. Copies, here and below: the keys may be replaced at any
    // moment.
    virtual std::optional<Key> find_key(std::string_view api_key) const = 0;
    // A key of that tenant to sign own tokens with; nullopt if there is none.
    virtual std::optional<Key> signing_key_of(std::string_view tenant) const = 0;
    // All that there are, without the operator.
    virtual std::set<std::string> tenants() const = 0;

    std::optional<std::string> find_secret(std::string_view api_key) const;
    std::optional<Key> signing_key() const { return signing_key_of({}); }
};

class KeyMap final : public KeyProvider {
  public:
    KeyMap() = default;
    using Texts = std::map<std::string, std::string, std::less<>>;
    explicit KeyMap(Texts keys) : keys_(std::move(keys)) {}
    // Of the keys that have one.
    void set_tenants(Texts tenants) { tenants_ = std::move(tenants); }
    std::optional<Key> find_key(std::string_view api_key) const override;
    std::optional<Key> signing_key_of(std::string_view tenant) const override;
    std::set<std::string> tenants() const override;

  private:
    std::string tenant_of(std::string_view api_key) const;

    Texts keys_;
    Texts tenants_;
};

// Why a token is refused: what its bearer is told with status 401.
struct TokenError {
    std::string text;
};
Result<Grants, TokenError> verify_token(std::string_view token, const KeyProvider& keys,
                                        UnixTime now);

// A token of `grants` with iss = key, sub = grants.identity, exp = now + lifetime; iat is
// grants.issued_at, else now, and nbf is the same, but never later than now. grants.api_key and
// expires_at are ignored.
std::string mint_token(const Grants& grants, const KeyProvider::Key& key, UnixTime now,
                       Duration lifetime);

// The same for an agent's job, with the identity as a claim of its own beside `sub` (05 DSP-10).
std::string mint_job_token(const Grants& grants, const KeyProvider::Key& key, UnixTime now,
                           Duration lifetime);

// TOK-12: what the server sends as `refresh_token`. Carries name, identity, kind, metadata,
// attributes, video, roomConfig without upload secrets and roomPreset; lives for what the original
// has left, at least 10 minutes. It counts as issued when the original was (iat), so that it is
// revoked with it (TOK-14); where that is not known, at the beginning of time.
// Signed with the key of the original (grants.api_key), or another one of its tenant if that one is
// no longer known or has become another tenant's; empty if there is none.
std::string mint_refresh_token(const Grants& grants, const KeyProvider& keys, UnixTime now);

}  // namespace confab::token
