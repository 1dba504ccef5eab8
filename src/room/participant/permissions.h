// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who counts, and the publisher's list of who may subscribe (SIG-10, SIG-112). What a permission
// allows is in token/permission.h.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "room/scope/types.h"
#include "token/permission.h"

namespace confab::room {

// Dependents keep no room open and do not count to max_participants (SIG-138).
bool is_dependent(livekit::ParticipantInfo::Kind kind,
                  const livekit::ParticipantPermission& permission);
// While there is one the room is recorded (SIG-132), and lists of who may subscribe are not for it
// (SIG-10).
bool is_recorder(livekit::ParticipantInfo::Kind kind,
                 const livekit::ParticipantPermission& permission);

class SubscriptionAccess {
  public:
    static constexpr std::size_t kMaxEntries = 2'000;
    static constexpr std::size_t kMaxBytes = 256 * 1024;

    // Of the participant with that sid; empty where there is none.
    using IdentityOf = std::function<std::string(const std::string& sid)>;
    // Replaces the list. False, and nothing changed, when an entry names nobody or there are too
    // many. Who is named by its sid alone is meant by its identity from now on: that outlives its
    // session. Of more than one entry for an identity the last one counts.
    bool set(livekit::SubscriptionPermission list, const IdentityOf& identity_of = {});
    const livekit::SubscriptionPermission& list() const { return list_; }
    // Another one after each change.
    std::uint32_t revision() const { return revision_; }
    bool allows(std::string_view identity, std::string_view sid, std::string_view track_sid) const;

  private:
    static livekit::SubscriptionPermission everybody();
    livekit::SubscriptionPermission list_ = everybody();
    std::uint32_t revision_ = 0;
};

}  // namespace confab::room
