// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The credentials of the embedded TURN server (01 SIG-88, 03 SEC-02). They name a participant and
// end by themselves; nothing of them is kept:
//   username  base62("API key|participant sid|expiry"), expiry in seconds since 1970
//   password  base62(SHA-256("secret|participant sid|expiry"))
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace confab::turn {

inline constexpr std::string_view kRealm = "livekit";

// Key of MESSAGE-INTEGRITY: MD5("username:realm:password") (RFC 8489 §9.2.2).
using IntegrityKey = std::array<std::uint8_t, 16>;

struct User {
    std::string api_key;
    std::string participant_sid;
    std::int64_t expires_at = 0;  // seconds since 1970

    bool operator==(const User&) const = default;
};

std::string make_username(const User& user);
// nullopt if it was not made by make_username.
std::optional<User> parse_username(std::string_view username);
// `secret`: that of user.api_key.
std::string make_password(const User& user, std::string_view secret);
IntegrityKey integrity_key(std::string_view username, std::string_view password);

}  // namespace confab::turn
