// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tokens that are not good for joining any more: those of one identity for one room that were
// issued before a time (01 TOK-14).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "crypto/digest.h"
#include "token/grants.h"

namespace confab::token {

class Revocations {
  public:
    // Of more, the first one of the tenant that has most is forgotten: none makes room for itself
    // at the cost of another.
    static constexpr std::size_t kMaxEntries = 65'536;
    // Of one room: beyond, its first one is forgotten. Who may administer a room does not undo what
    // others revoked.
    static constexpr std::size_t kMaxPerRoom = 4096;
    // Counted from the time of a revocation: no token is expected to live longer.
    static constexpr Duration kMaxTokenLifetime = Duration::seconds(std::int64_t{366} * 24 * 3600);
    // A time that is further ahead counts as this: a mistake (milliseconds) keeps nobody away for
    // good.
    static constexpr Duration kMaxAhead = Duration::seconds(300);

    enum class Outcome : std::uint8_t {
        kKept,
        kForgotOther,  // kept, in the place of the first one: of the room, or of all
    };
    // Of a room, or of room and identity: a name that nobody limits takes no more memory than
    // another.
    using Name = crypto::Digest<crypto::DigestAlgorithm::kSha256>;
    struct Record {
        Name name{};  // of room and identity
        Name room{};
        std::string tenant;
        UnixTime before;
    };
    // `room` is its key (token::room_key()).
    static Record record_of(std::string_view room, std::string_view identity, UnixTime before);

    // An earlier revocation of the same identity is not undone by an older time.
    Outcome add(const Record& record, UnixTime now);
    Outcome revoke(std::string_view room, std::string_view identity, UnixTime before,
                   UnixTime now) {
        return add(record_of(room, identity, before), now);
    }
    // The time of a name, if it has one.
    std::optional<UnixTime> find(const Name& name) const;
    // All, in the order in which they came.
    std::vector<Record> records() const;
    // Whether the bearer may not join the room of its token, as who it is or as whose token it had
    // (Grants::publishes_for). One of which is not known when it was issued was issued before.
    bool refuses(const Grants& grants) const;
    std::size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        UnixTime before;
        std::uint64_t serial = 0;
        Name room;
        std::string tenant;
    };
    static Name name_of(std::string_view room, std::string_view identity);
    bool refuses(const Grants& grants, std::string_view identity) const;
    void forget(std::uint64_t serial);
    std::uint64_t first_of_largest_tenant() const;

    std::map<Name, Entry> entries_;
    std::map<std::uint64_t, Name> by_serial_;                   // as they were made
    std::map<Name, std::set<std::uint64_t>> by_room_;           // serials, of rooms that have any
    std::map<std::string, std::set<std::uint64_t>> by_tenant_;  // the same, of tenants
    std::uint64_t next_serial_ = 1;
};

// RoomParticipantIdentity.revoke_token_ts: seconds, as the times in tokens are; the Rust SDK calls
// it milliseconds, and a number beyond the year 5138 is read so. 0 and less: the beginning of time.
UnixTime revocation_time(std::int64_t revoke_token_ts);

}  // namespace confab::token
