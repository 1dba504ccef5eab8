// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "token/revocations.h"

#include <algorithm>
#include <string>

namespace confab::token {

Revocations::Who Revocations::who(std::string_view room, std::string_view identity) {
    // With the length of the first, so that no other two names are the same text.
    std::string text = std::to_string(room.size()) + ":";
    text.append(room).append(identity);
    return crypto::sha256(as_bytes(text));
}

bool Revocations::revoke(std::string_view room, std::string_view identity, UnixTime before,
                         UnixTime now) {
    while (!by_time_.empty() && by_time_.begin()->first + kMaxTokenLifetime < now) {
        before_.erase(by_time_.begin()->second);
        by_time_.erase(by_time_.begin());
    }
    const Who key = who(room, identity);
    const auto known = before_.find(key);
    if (known != before_.end()) {
        if (before <= known->second) return true;
        by_time_.erase({known->second, key});
    }
    before_[key] = before;
    by_time_.emplace(before, key);
    if (before_.size() <= kMaxEntries) return true;
    before_.erase(by_time_.begin()->second);
    by_time_.erase(by_time_.begin());
    return false;
}

bool Revocations::refuses(const Grants& grants) const {
    if (before_.empty() || !grants.video) return false;
    const auto known = before_.find(who(grants.video->room, grants.identity));
    return known != before_.end() && (!grants.issued_at || *grants.issued_at < known->second);
}

UnixTime revocation_time(std::int64_t revoke_token_ts) {
    constexpr std::int64_t kMaxSeconds = 99'999'999'999;
    constexpr std::int64_t kMaxTokenTime = 253'402'300'799;  // year 9999
    if (revoke_token_ts <= kMaxSeconds)
        return UnixTime::seconds(std::max<std::int64_t>(0, revoke_token_ts));
    const std::int64_t seconds = revoke_token_ts / 1000 + (revoke_token_ts % 1000 != 0 ? 1 : 0);
    return UnixTime::seconds(std::min(seconds, kMaxTokenTime));
}

}  // namespace confab::token
