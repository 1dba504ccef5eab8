// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "turn/credentials.h"

#include "base/text.h"
#include "crypto/base62.h"
#include "crypto/digest.h"

namespace confab::turn {

std::string make_username(const User& user) {
    return crypto::base62_bits(as_bytes(user.api_key + "|" + user.participant_sid + "|" +
                                        std::to_string(user.expires_at)));
}

std::optional<User> parse_username(std::string_view username) {
    const auto bytes = crypto::base62_bits_decode(username);
    if (!bytes) return std::nullopt;
    const std::string_view text = as_text(*bytes);
    const std::size_t last = text.rfind('|');
    if (last == text.npos || last == 0) return std::nullopt;
    const std::size_t first = text.rfind('|', last - 1);
    if (first == text.npos) return std::nullopt;
    const auto expires_at = parse_decimal<std::uint64_t>(text.substr(last + 1));
    if (!expires_at || *expires_at > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    User user{std::string(text.substr(0, first)),
              std::string(text.substr(first + 1, last - first - 1)),
              static_cast<std::int64_t>(*expires_at)};
    if (user.api_key.empty() || user.participant_sid.empty()) return std::nullopt;
    return user;
}

std::string make_password(const User& user, std::string_view secret) {
    const std::string text = std::string(secret)
                                 .append("|")
                                 .append(user.participant_sid)
                                 .append("|")
                                 .append(std::to_string(user.expires_at));
    return crypto::base62_bits(crypto::sha256(as_bytes(text)));
}

IntegrityKey integrity_key(std::string_view username, std::string_view password) {
    const std::string text =
        std::string(username).append(":").append(kRealm).append(":").append(password);
    return crypto::md5(as_bytes(text));
}

}  // namespace confab::turn
