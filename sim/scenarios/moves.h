// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Any situation again, with hand-over of state in the middle of it: behind one port, and everybody
// goes on at another shard about once a second (02 MC-20, SIO-11).
#pragma once

#include "sim/scenarios/scenario.h"

namespace confab::sim {

// On two shards at least. What must hold in the end is unchanged.
Scenario with_moves(Scenario scenario, std::uint64_t seed);

}  // namespace confab::sim
