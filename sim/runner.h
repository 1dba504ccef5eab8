// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The simulator's command line: named scenarios and swarms by seed.
#pragma once

#include <string>
#include <vector>

namespace confab::sim {

//   --seeds N      how many swarm seeds (default 50), --first S the first of them (default 1)
//   --shards W     1, 2, 4 … (default 0: 1, 2 and 4 by turns)
//   --clients M    per swarm (default 6), --seconds T of virtual time (default 10)
//   --scenario X   a named scenario instead of swarms; `all` for each of them
//   --file F       the scenario and seed of a file of sim/seeds
//   --twice        runs everything twice and compares the hashes
//   -v             one line with the hash per run
// Failures go to stderr with the command that repeats them. Returns the exit code: 0 all well,
// 1 broken invariants, 2 usage.
int run_simulator(const std::vector<std::string>& args);

}  // namespace confab::sim
