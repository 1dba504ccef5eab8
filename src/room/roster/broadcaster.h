// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which participant updates go out at once and which wait for the room-wide tick (01 SIG-131), and
// what happens when one identity comes back under a new sid meanwhile (SIG-133).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "livekit_models.pb.h"

namespace confab::room {

class Broadcaster {
  public:
    Broadcaster(Timestamp created, Duration interval);

    struct Update {
        livekit::ParticipantInfo info;
        bool legacy_only = false;  // for receivers without identity_reconnect (pv ≤ 11)
    };
    // Takes a changed participant; gives what is to be sent now, in order. A session of an identity
    // says its last before the next one says its first: clocks tell nothing.
    std::vector<Update> push(Timestamp now, livekit::ParticipantInfo info, bool immediate);
    // The batch, when its tick has come.
    std::vector<livekit::ParticipantInfo> poll_batch(Timestamp now);
    Timestamp next_deadline() const;

  private:
    Timestamp tick_after(Timestamp now) const;

    Timestamp created_;
    Duration interval_;
    Timestamp next_tick_;
    std::map<std::string, livekit::ParticipantInfo> waiting_;  // by identity
};

}  // namespace confab::room
