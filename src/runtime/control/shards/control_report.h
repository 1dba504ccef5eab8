// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a control shard tells of itself, each second at least while it lives.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "room/manager/room_manager.h"

namespace confab::control {

struct ControlReport {
    Timestamp at = Timestamp::never();
    room::RoomManager::Snapshot rooms;
    std::uint64_t loop_failures = 0;
    std::uint64_t commands_dropped = 0;
};

}  // namespace confab::control
