// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tells the placement how busy each media worker has been between its last two figures.
#pragma once

#include <vector>

#include "room/manager/placement.h"
#include "runtime/worker/control_port.h"

namespace confab::control {

class WorkerLoads {
  public:
    // A worker tells its figures each second. One that has not for so long stands still: who is
    // sent there waits in vain.
    static constexpr Duration kSilent = Duration::seconds(4);

    // Takes figures that are new; cheap when there are none.
    void update(worker::ControlPort& media, room::Placement& placement);
    // One worker's figures; the first of a worker only say where it starts.
    void update(room::Placement& placement, sfu::WorkerIndex worker, Timestamp at,
                std::uint64_t busy_us);
    // Nothing more came of it by now: after kSilent it counts as busy all the time.
    void note_silence(room::Placement& placement, sfu::WorkerIndex worker, Timestamp now) const;

  private:
    struct Seen {
        Timestamp at = Timestamp::never();
        std::uint64_t busy_us = 0;
    };
    std::vector<Seen> seen_;
};

}  // namespace confab::control
