// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What feedback says of one packet that was sent, and what is thought of the link after it.
#pragma once

#include <cstdint>

#include "base/time.h"

namespace confab::bwe {

struct PacketFeedback {
    Timestamp sent;
    Duration arrival;  // by the receiver's clock, if received
    std::uint32_t bytes = 0;
    bool received = false;
    bool late = false;  // it is received that was told as lost before
};

enum class LinkUse : std::uint8_t {
    kNormal,
    kOverusing,   // a queue grows
    kUnderusing,  // a queue shrinks
};

}  // namespace confab::bwe
