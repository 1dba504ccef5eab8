// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Until when an outage holds back each direction of an in-order path, TCP's or a WebSocket's: what
// is sent before arrives after, in order.
#pragma once

#include <algorithm>

#include "base/time.h"

namespace confab::sim {

// As the client sees them.
struct Directions {
    bool up = true;
    bool down = true;
};

struct Blocked {
    Timestamp up;
    Timestamp down;

    // Outages that overlap are one.
    void hold(Directions which, Timestamp until) {
        if (which.up) up = std::max(up, until);
        if (which.down) down = std::max(down, until);
    }
};

}  // namespace confab::sim
