// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the machines here take for the moment: the monotonic clock for all that is waited for, the
// wall clock only for what is written into records.
#pragma once

#include "base/time.h"

namespace confab::cluster::nodes {

struct Clock {
    Timestamp now;
    UnixTime wall;

    // The wall clock at another moment, as far as this one goes on evenly.
    UnixTime wall_at(Timestamp other) const { return wall + (other - now); }
};

}  // namespace confab::cluster::nodes
