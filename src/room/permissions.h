// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who may do what: grants to permission (01 TOK-11), sources one may publish (TOK-05), and the
// publisher's list of who may subscribe (SIG-10, SIG-112).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "room/types.h"

namespace confab::room {

livekit::ParticipantPermission permission_of(const Grants& grants);
// The grants that a new permission stands for, for a refreshed token (TOK-13).
void apply_permission(Grants& grants, const livekit::ParticipantPermission& permission);
bool may_publish(const livekit::ParticipantPermission& permission, livekit::TrackSource source);
// Dependents keep no room open and do not count to max_participants (SIG-138).
bool is_dependent(livekit::ParticipantInfo::Kind kind,
                  const livekit::ParticipantPermission& permission);

class SubscriptionAccess {
  public:
    static constexpr std::size_t kMaxEntries = 2'000;
    static constexpr std::size_t kMaxBytes = 256 * 1024;

    // Replaces the list. False, and nothing changed, when an entry names nobody or there are too
    // many.
    bool set(const livekit::SubscriptionPermission& list);
    bool allows(std::string_view identity, std::string_view sid, std::string_view track_sid) const;

  private:
    bool everybody_ = true;
    std::vector<livekit::TrackPermission> entries_;
};

}  // namespace confab::room
