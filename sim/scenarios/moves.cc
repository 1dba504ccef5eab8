// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/scenarios/moves.h"

#include <algorithm>

#include "base/rng.h"

namespace confab::sim {

Scenario with_moves(Scenario scenario, std::uint64_t seed) {
    constexpr std::uint64_t kOftenMs = 2000;
    Rng rng(seed ^ 0x4D4F'5645'53ULL);
    scenario.shared_port = true;
    scenario.shards = std::max<std::size_t>(scenario.shards, 2);
    for (ClientId id = 0; id < scenario.clients; ++id)
        for (auto at = static_cast<std::int64_t>(rng.below(kOftenMs)); at < scenario.length.ms();
             at += static_cast<std::int64_t>(1 + rng.below(kOftenMs)))
            scenario.steps.push_back(step(at, StepKind::kMove, id, rng.below(scenario.shards)));
    return scenario;
}

}  // namespace confab::sim
