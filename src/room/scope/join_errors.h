// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a room, or what would start one, refuses (01 CON-33, ROOM-06), in the words that clients
// get.
#pragma once

#include <array>

#include "token/error_text.h"

namespace confab::room::join_errors {

inline constexpr ErrorText kRoomMissing{404, "requested room does not exist",
                                        "`room.auto_create` is off and nobody created the room",
                                        "CreateRoom first, or a token with `roomCreate`"};
inline constexpr ErrorText kRoomFull{403, "the room is full (max_participants is ",
                                     "`max_participants` of the room are in it",
                                     "raise it with CreateRoom before the room starts, or "
                                     "`room.max_participants`"};
inline constexpr ErrorText kNoEgress{503,
                                     "the room is to be recorded, and this server cannot record it",
                                     "the room's configuration asks for a recording, and the "
                                     "server has no `redis`",
                                     "configure `redis`, and start an egress worker, or take "
                                     "`egress` out"};
// What clients are told where upstream tells them no more than this; the log has the cause.
inline constexpr ErrorText kClosedByMedia{
    500, "connection closed by media",
    "metadata or attributes of the token are too large, its room configuration is not known, or "
    "the "
    "room failed",
    "the server's log names the cause beside `session refused`"};

inline constexpr std::array kAll{kRoomMissing, kRoomFull, kNoEgress, kClosedByMedia};

}  // namespace confab::room::join_errors
