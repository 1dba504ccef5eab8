// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tells the placement how busy each media worker has been between its last two figures.
#pragma once

#include <memory>
#include <vector>

#include "room/placement.h"
#include "runtime/worker/media_node.h"

namespace confab::control {

class WorkerLoads {
  public:
    // `placement` may be null.
    explicit WorkerLoads(std::shared_ptr<room::Placement> placement)
        : placement_(std::move(placement)) {}

    // Takes figures that are new; cheap when there are none.
    void update(worker::MediaNode& media);
    // One worker's figures; the first of a worker only say where it starts.
    void update(sfu::WorkerIndex worker, Timestamp at, std::uint64_t busy_us);

  private:
    struct Seen {
        Timestamp at = Timestamp::never();
        std::uint64_t busy_us = 0;
    };
    std::shared_ptr<room::Placement> placement_;
    std::vector<Seen> seen_;
};

}  // namespace confab::control
