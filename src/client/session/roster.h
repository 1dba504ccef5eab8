// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is in the room, as the server told it: by participant sid, newest version of each. A session
// that takes an identity over ends the one before, of which nothing else is told (01 SIG-133).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>

#include "client/session/participant_pool.h"

namespace confab::client {

class Roster {
  public:
    // Whoever is told beyond is not kept.
    static constexpr std::size_t kMaxParticipants = 20'000;

    void join(const livekit::ParticipantInfo& self) {
        self_ = self;
        others_.clear();
        let_go_.clear();
        ++revision_;
    }
    // The newest version of one participant, ourselves too; one that has left goes.
    void update(const ParticipantRef& info);

    const livekit::ParticipantInfo& self() const { return self_; }
    // How many others there are, and a list of them by sid.
    std::size_t size() const { return others_.size(); }
    // Another when tracks of others may have come or gone.
    std::uint64_t revision() const { return revision_; }
    ParticipantList others() const;
    // Looks at everybody; null if there is none.
    const livekit::ParticipantInfo* find(const std::string& sid) const;
    const livekit::ParticipantInfo* find_identity(const std::string& identity) const;
    // Those of the others of whose identity the end of a former session was told late, while they
    // were there. livekit-client knows people by identity and lets go of them; we do not.
    const std::set<std::string>& let_go() const { return let_go_; }

  private:
    void leave(const livekit::ParticipantInfo& info);

    livekit::ParticipantInfo self_;
    std::uint64_t revision_ = 0;
    // By identity: one session of each. What comes out is sorted, since the order of this is not.
    std::unordered_map<std::string, ParticipantRef> others_;
    std::set<std::string> let_go_;  // by sid
};

}  // namespace confab::client
