// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What nodes ask each other about rooms and participants (03 RPC-02 … RPC-04, RPC-23, RPC-24),
// beside what src/agents asks of agents and relay/ of signalling. Topics: the node; the key of the
// room; key and identity with '_' between them.
#pragma once

#include <string>
#include <string_view>

#include "rpc/bus.h"

namespace confab::cluster {

inline constexpr rpc::Method kCreateRoom{"RoomManager", "CreateRoom"};

inline constexpr rpc::Method kDeleteRoom{"Room", "DeleteRoom"};
inline constexpr rpc::Method kSendData{"Room", "SendData"};
inline constexpr rpc::Method kUpdateRoomMetadata{"Room", "UpdateRoomMetadata"};
inline constexpr rpc::Method kListParticipants{"Room", "ListParticipants"};
inline constexpr rpc::Method kGetParticipant{"Room", "GetParticipant"};

inline constexpr rpc::Method kRemoveParticipant{"Participant", "RemoveParticipant"};
inline constexpr rpc::Method kMutePublishedTrack{"Participant", "MutePublishedTrack"};
inline constexpr rpc::Method kUpdateParticipant{"Participant", "UpdateParticipant"};
inline constexpr rpc::Method kUpdateSubscriptions{"Participant", "UpdateSubscriptions"};
inline constexpr rpc::Method kForwardParticipant{"Participant", "ForwardParticipant"};
inline constexpr rpc::Method kMoveParticipant{"Participant", "MoveParticipant"};
inline constexpr rpc::Method kPerformRpc{"Participant", "PerformRpc"};

inline constexpr rpc::Method kWhipCreate{"WHIP", "Create"};

inline constexpr rpc::Method kWhipTrickle{"WHIPParticipant", "ICETrickle"};
inline constexpr rpc::Method kWhipRestart{"WHIPParticipant", "ICERestart"};
inline constexpr rpc::Method kWhipDelete{"WHIPParticipant", "DeleteSession"};

// Two participants may share it (RPC-30): whoever is asked looks at the request.
inline rpc::Topic participant_topic(std::string_view room, std::string_view identity) {
    return {std::string(room).append("_").append(identity)};
}

}  // namespace confab::cluster
