// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The rooms of a shard for their data, and who is in them: found by room, by connection and, within
// a room, by name.
#pragma once

#include <map>
#include <memory>
#include <unordered_map>

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
    // The data track flows to the member under this handle; 0: no more.
    void set_flow(DataRoomMember& to, DataTrackId track, std::uint16_t handle);
    void forget(PeerId peer) { by_peer_.erase(peer); }
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
