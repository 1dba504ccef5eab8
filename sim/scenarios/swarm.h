// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A random room from a seed (07 §8, TST7-06): joins, publications, mutes, layer changes, restarts,
// rebindings, departures and returns over links with up to 10 % loss and reordering.
#pragma once

#include "sim/scenarios/scenario.h"

namespace confab::sim {

struct SwarmOptions {
    std::size_t shards = 2;
    std::size_t clients = 6;
    Duration length = Duration::seconds(10);
    double max_loss = 0.10;
};

Scenario make_swarm(std::uint64_t seed, const SwarmOptions& options);

}  // namespace confab::sim
