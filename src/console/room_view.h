// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A room with everybody in it, as JSON.
#pragma once

#include <string>
#include <string_view>

#include "room/inspect/room_figures.h"

namespace confab::console {

// Without what is secret in it. `tenant`: whose the room is; empty: the operator's.
std::string to_json(const room::RoomFigures& room, std::string_view tenant);

std::string_view to_text(livekit::ConnectionQuality quality);

}  // namespace confab::console
