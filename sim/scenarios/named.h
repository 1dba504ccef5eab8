// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The named situations (07 §8, TST7-06), each with a story of one line.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "sim/scenarios/scenario.h"

namespace confab::sim {

std::vector<Scenario> named_scenarios(std::size_t shards);
// nullopt if there is none of this name.
std::optional<Scenario> find_scenario(std::string_view name, std::size_t shards);

}  // namespace confab::sim
