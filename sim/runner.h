// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The simulator's command line: random days of a server, swarms and named scenarios by seed.
#pragma once

#include <string>
#include <vector>

namespace confab::sim {

//   --seeds N      how many seeds (default 50), --first S the first of them (default 1)
//   --shards W     1, 2, 4 … (default 0: by turns)
//   --clients M    people of a plan, --seconds T of virtual time before the healing
//   --swarm        plans about pictures (swarm.h) instead of days of a server (worlds.h)
//   --scenario X   a named scenario instead; `all` for each of them
//   --file F       the plan of a file of sim/seeds
//   --plan         writes the plan, as sim/seeds keeps it, and does not run it
//   --twice        runs everything twice and compares the hashes
//   -v             one line with the hash per run
// Failures go to stderr with the command that repeats them. Returns the exit code: 0 all well,
// 1 broken invariants, 2 usage.
int run_simulator(const std::vector<std::string>& args);

}  // namespace confab::sim
