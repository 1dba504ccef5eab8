// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the system at the other end of a TCP connection has said it received. It goes on saying so
// for a process that stands still.
#pragma once

#include "base/time.h"

namespace confab::net {

struct Acknowledged {
    bool all = false;  // nothing that was sent waits for an acknowledgement
    Duration since;    // the last one
};

}  // namespace confab::net
