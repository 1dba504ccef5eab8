// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a room is made of: a request and the configuration, or what a store kept of a room that was
// made elsewhere (03 RDS-02, RDS-03, RDS-21).
#pragma once

#include <optional>
#include <string>

#include "room/agents/stored_agents.h"
#include "room/scope/scope.h"

namespace confab::room {

struct RoomOrigin {
    std::string key;       // token/room_key.h
    livekit::Room info;    // without counts and codecs
    std::string internal;  // as in StoreRoom
    bool sync_streams = false;
    google::protobuf::RepeatedPtrField<livekit::RoomAgentDispatch> agents;
    StoredAgents stored_agents;  // instead of these, unless there are none
    livekit::RoomEgress egress;  // what is to be recorded; of an adopted room not the whole of it
    bool adopted = false;        // it was another node's before
    std::optional<sfu::PlayoutDelayLimits> playout_delay;
    Duration age = Duration::zero();  // since it was first made
};

// Of that key, which is the name of the request.
RoomOrigin new_room(const RoomScope& scope, const livekit::CreateRoomRequest& settings);
// Of that key, which is the name of the room. The error says what is wrong with what the store has.
ServiceResult<RoomOrigin> stored_room(const RoomScope& scope, livekit::Room room,
                                      std::string internal);

}  // namespace confab::room
