// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who is in the room, as the server told it: by participant sid, newest version of each. A session
// that takes an identity over ends the one before, of which nothing else is told (01 SIG-133).
#pragma once

#include <map>
#include <set>
#include <string>

#include "livekit_models.pb.h"

namespace confab::client {

class Roster {
  public:
    // Whoever is told beyond is not kept.
    static constexpr std::size_t kMaxParticipants = 20'000;

    void join(const livekit::ParticipantInfo& self) {
        self_ = self;
        others_.clear();
        sids_.clear();
        let_go_.clear();
    }
    // The newest version of one participant, ourselves too; one that has left goes.
    void update(const livekit::ParticipantInfo& info);

    const livekit::ParticipantInfo& self() const { return self_; }
    const std::map<std::string, livekit::ParticipantInfo>& others() const { return others_; }
    const livekit::ParticipantInfo* find(const std::string& sid) const {
        const auto found = others_.find(sid);
        return found == others_.end() ? nullptr : &found->second;
    }
    const livekit::ParticipantInfo* find_identity(const std::string& identity) const;
    // Those of the others of whose identity the end of a former session was told late, while they
    // were there. livekit-client knows people by identity and lets go of them; we do not.
    const std::set<std::string>& let_go() const { return let_go_; }

  private:
    void forget(const std::string& sid);

    livekit::ParticipantInfo self_;
    std::map<std::string, livekit::ParticipantInfo> others_;  // by sid
    std::map<std::string, std::string> sids_;                 // by identity
    std::set<std::string> let_go_;                            // by sid
};

}  // namespace confab::client
