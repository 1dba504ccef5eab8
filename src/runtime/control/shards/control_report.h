// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a control shard tells of itself, each second at least while it lives.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "console/joins.h"
#include "room/manager/room_manager.h"
#include "runtime/control/step_counts.h"

namespace confab::control {

struct ControlReport {
    Timestamp at = Timestamp::never();
    room::RoomManager::Snapshot rooms;
    std::uint64_t loop_failures = 0;
    std::uint64_t commands_dropped = 0;
    console::JoinCounts joins;
    StepCounts steps;
};

}  // namespace confab::control
