// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The rooms of a shard for their data, and who is in them: found by room, by connection and, within
// a room, by name.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>

#include "base/state/state.h"
#include "sfu/data/data_room.h"

namespace confab::sfu {

class DataRooms {
  public:
    DataRoom* find(RoomId id);
    DataRoomMember* find(RoomId room, MemberId member);
    DataRoomMember* find(PeerId peer);
    std::size_t size() const { return rooms_.size(); }

    // What is known of a member from now on; it and its room begin where they are new. A name or
    // connection belongs to who took it last.
    DataRoomMember& put(DataMember& info);
    // The data track flows to the member under this handle, with so many frames a second at most;
    // handle 0: no more, frames 0: all.
    void set_flow(DataRoomMember& to, DataTrackId track, std::uint16_t handle,
                  std::uint32_t frames_per_second = 0);
    void forget(PeerId peer) { by_peer_.erase(peer); }
    // Of a peer that moves (02 MC-20): what came for it so far, so that it gets what came since
    // where it is a member already, and nothing twice. `exported`: when it left.
    void save(PeerId peer, StateWriter& out);
    void load(PeerId peer, Timestamp exported, StateReader& in);
    // What waits for it would not go with it.
    bool lags(PeerId peer);
    // Out of its room and all indices.
    std::unique_ptr<DataRoomMember> take(DataRoomMember& gone);
    // Of a room that nobody is in any more.
    void erase(RoomId id);

  private:
    void forget_peers(const DataRoomMember& m);
    void join_original(DataRoomMember& copy);

    std::map<RoomId, std::unique_ptr<DataRoom>> rooms_;
    std::unordered_map<PeerId, DataRoomMember*> by_peer_;
};

}  // namespace confab::sfu
