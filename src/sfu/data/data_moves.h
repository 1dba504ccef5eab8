// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A member that goes on at another worker (02 MC-20). What it said, and what is said to it here and
// there, is on its way through links that overtake each other. So before it leaves it says nothing
// new: that stays in its connection, and goes with it. And each other worker of the room answers a
// fence, which comes behind all that was sent there. The answer comes behind all that was sent here
// by who did not know yet that the new worker has members; a second one comes through the new
// worker, behind what was sent there. Reliable messages that come to both workers are told apart by
// their numbers; lossy ones are for who is there.
#pragma once

#include "sfu/data/data_links.h"
#include "sfu/data/data_rooms.h"

namespace confab::sfu {

class DataMoves {
  public:
    // All outlive it.
    struct Parts {
        WorkerIndex self = 0;
        DataRooms& rooms;
        DataLinks& links;
        DataWindows& windows;
    };
    explicit DataMoves(const Parts& parts) : parts_(parts) {}

    // It is about to go on at worker `to`, and says nothing until it is there, or stays.
    void begin(PeerId peer, WorkerIndex to);
    // Nothing that it said, or that was said to this worker alone, is on its way any more.
    bool may_leave(PeerId peer) const;
    void stay(PeerId peer);

    void handle(const LinkedFence& fence);
    // Those that waited until this worker knew where the member goes.
    void answer_fences(DataRoom& room);

  private:
    bool knows(const DataRoom& room, WorkerIndex worker) const;
    void answer(const LinkedFence& fence);

    Parts parts_;
    std::uint32_t rounds_ = 0;
};

}  // namespace confab::sfu
