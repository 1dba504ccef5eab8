// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Why a room ends at this node (03 NODE-16, OPS-01).
#pragma once

#include <cstdint>

namespace confab::room {

enum class RoomEnd : std::uint8_t {
    kOver,   // nobody has it any more
    kCopy,   // another node has one of that name, with agents of its own
    kMoves,  // another node goes on with it: so do its clients and agents
};

}  // namespace confab::room
