// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rooms and participants of all nodes, as their records in Redis say (RDS-02…04; 03 RPC-33: what
// ListRooms, ListParticipants, GetParticipant and the checks for 404 read). Bytes as stored, never
// built again (RDS-25).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cluster/store/commands.h"
#include "cluster/store/records.h"
#include "redis/port.h"

namespace confab::cluster::store {

class RoomReader {
  public:
    // Port and notices outlive it.
    RoomReader(redis::Port& port, Notices& notices) : commands_(port, notices) {}

    // Each `done` is called once: later, or inside the call if there is no connection.

    // livekit.Room of all rooms, or of those of the names that there are.
    void rooms(Timestamp now, Got<StoredList> done);
    void rooms(Timestamp now, std::vector<std::string> names, Got<StoredList> done);
    // kNotFound: "requested room does not exist".
    void room(Timestamp now, const std::string& name, Got<std::string> done);
    struct RoomWithInternal {
        std::string room;
        std::optional<std::string> internal;  // livekit.RoomInternal
    };
    void room_with_internal(Timestamp now, const std::string& name, Got<RoomWithInternal> done);

    // livekit.ParticipantInfo; none of a room that there is not.
    void participants(Timestamp now, const std::string& room, Got<StoredList> done);
    // kNotFound: "participant does not exist".
    void participant(Timestamp now, const std::string& room, const std::string& identity,
                     Got<std::string> done);

  private:
    Commands commands_;
};

}  // namespace confab::cluster::store
