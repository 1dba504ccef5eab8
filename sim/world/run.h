// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One run: a plan in a world of its own, then the healing, the farewell, and what must hold at the
// end of each (07 §8). The same scenario and seed give the same datagrams.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "sim/world/chatter.h"
#include "sim/world/steps.h"
#include "sim/world/world.h"

namespace confab::sim {

struct RunResult {
    std::uint64_t hash = 0;
    std::uint64_t violations = 0;
    std::vector<std::string> texts;
    RunStats stats;
    bool ok() const { return violations == 0; }
};

class Run {
  public:
    Run(const Scenario& scenario, std::uint64_t seed);

    // All of it, once.
    RunResult play();

  private:
    void heal();
    void say_last_words();
    void bid_farewell();
    void check_idle();

    Scenario scenario_;
    std::uint64_t bugs_before_;
    Rng rng_;
    World world_;
    Chatter chatter_;
    Steps steps_;
    std::set<ClientId> heard_;  // was there when everybody fell silent
};

RunResult run_scenario(const Scenario& scenario, std::uint64_t seed);

}  // namespace confab::sim
