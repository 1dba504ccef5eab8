// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A regression seed (07 §8, TST7-12): sim/seeds/<date>-<slug>.toml, of which four keys are used.
//
//   scenario = "swarm"      # or a named one
//   seed = 17
//   shards = 2
//   story = "what once went wrong"
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/world/scenario.h"

namespace confab::sim {

struct SeedFile {
    std::string scenario;
    std::uint64_t seed = 0;
    std::size_t shards = 1;
    std::size_t clients = 6;  // of a swarm
    std::string story;
};

// nullopt if a line is no `key = value`, a key is unknown or the scenario is missing.
std::optional<SeedFile> parse_seed_file(std::string_view text);
// The scenario it names; nullopt for an unknown one.
std::optional<Scenario> scenario_of(const SeedFile& file);

}  // namespace confab::sim
