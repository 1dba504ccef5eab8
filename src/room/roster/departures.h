// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who left a room of late. News that was sent into a connection which was dead already is lost
// without a trace; a resume tells it again (01 SIG-63, SIG-160).
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/time.h"
#include "livekit_models.pb.h"

namespace confab::room {

class Departures {
  public:
    // Longer than a participant may be without signalling. Of more who left, the oldest are
    // forgotten.
    static constexpr Duration kKept = Duration::seconds(90);
    static constexpr std::size_t kMaxKept = 256;

    // `info` as it was told: DISCONNECTED, and to be shown to others.
    void note(Timestamp now, const livekit::ParticipantInfo& info);
    // Those who left at `since` or later, in order.
    std::vector<livekit::ParticipantInfo> since(Timestamp since) const;

    // Why it left, if it is known still.
    livekit::DisconnectReason reason(const std::string& sid) const;

  private:
    struct Departure {
        Timestamp at;
        livekit::ParticipantInfo info;
    };
    std::deque<Departure> kept_;
};

}  // namespace confab::room
