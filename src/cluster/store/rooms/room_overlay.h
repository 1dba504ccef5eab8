// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a request changes of a room that there is already (RDS-21): its fields that are not zero,
// and nothing else. All other bytes of the records stay as they are.
#pragma once

#include <optional>
#include <string>

#include "livekit_room.pb.h"

namespace confab::cluster::store {

struct RoomBytes {
    std::string room;                     // livekit.Room
    std::optional<std::string> internal;  // livekit.RoomInternal
    bool operator==(const RoomBytes&) const = default;
};

RoomBytes overlay(RoomBytes stored, const livekit::CreateRoomRequest& request);

}  // namespace confab::cluster::store
