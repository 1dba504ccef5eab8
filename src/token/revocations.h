// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tokens that are not good for joining any more: those of one identity for one room that were
// issued before a time (01 TOK-14).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "base/time.h"
#include "crypto/digest.h"
#include "token/grants.h"

namespace confab::token {

class Revocations {
  public:
    // Of more, the one that was to be forgotten first is forgotten at once.
    static constexpr std::size_t kMaxEntries = 65'536;
    // Counted from the time of a revocation: no token is expected to live longer.
    static constexpr Duration kMaxTokenLifetime = Duration::seconds(std::int64_t{366} * 24 * 3600);

    // False when another revocation had to be forgotten for it. An earlier one of the same identity
    // is not undone by an older time.
    bool revoke(std::string_view room, std::string_view identity, UnixTime before, UnixTime now);
    // Whether the bearer may not join the room of its token. One that does not say when it was
    // issued was issued before.
    bool refuses(const Grants& grants) const;
    std::size_t size() const { return before_.size(); }

  private:
    // Of room and identity: a name that nobody limits takes no more memory than another.
    using Who = crypto::Digest<crypto::DigestAlgorithm::kSha256>;
    static Who who(std::string_view room, std::string_view identity);

    std::map<Who, UnixTime> before_;
    std::set<std::pair<UnixTime, Who>> by_time_;
};

// RoomParticipantIdentity.revoke_token_ts: seconds, as the times in tokens are; the Rust SDK calls
// it milliseconds, and a number beyond the year 5138 is read so. 0 and less: the beginning of time.
UnixTime revocation_time(std::int64_t revoke_token_ts);

}  // namespace confab::token
