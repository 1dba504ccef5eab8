// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a client may have to be told again of the moves of its participant (01 API-12), as its
// connection was dead already when they were made.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/time.h"
#include "livekit_models.pb.h"

namespace confab::room {

class MoveNews {
  public:
    // As long as a client that did not hear of a move finds its participant (Moves).
    static constexpr Duration kKept = Duration::seconds(90);
    // Of more who were in the rooms that it left, it may go on showing some.
    static constexpr std::size_t kMaxGone = 256;

    // It leaves a room: these are gone for it, as DISCONNECTED, the first of a name counts.
    void left(Timestamp now, const std::vector<livekit::ParticipantInfo>& gone);
    bool moved_since(Timestamp since) const { return moved_ && at_ >= since; }
    // From all rooms that it left one after the other.
    std::vector<livekit::ParticipantInfo> gone() const;

  private:
    bool moved_ = false;
    Timestamp at_;
    std::map<std::string, livekit::ParticipantInfo> gone_;  // by identity
};

}  // namespace confab::room
