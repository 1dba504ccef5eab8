// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a client adds behind the last octet of an encoded frame (02 IN-42): when it was taken, which
// frame it is, data of the application.
//
//   { tag 1 | size 1 | value } … | length of all this 1 | 'L' 'K' 'T' 'S'
//   └──────── each octet XOR 0xFF ────────────────────┘
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace confab::wire {

inline constexpr std::size_t kMinPacketTrailer = 5;    // without any value
inline constexpr std::size_t kMaxPacketTrailer = 255;  // what the length octet can say

// Octets of the trailer that these octets of a frame end in; 0: there is none. Its length and its
// name alone are looked at: what the values are is between the clients.
std::size_t packet_trailer_size(BytesView frame_end);

}  // namespace confab::wire
