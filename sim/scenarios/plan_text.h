// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A plan as text, so that what a seed once made can be kept and run again whatever has become of
// its generator: one line per fact and step, with what differs from the defaults.
//
//   nodes=1 shards=2 clients=3 length=10000000 healing=8000000 full_layers=1 messages=1 light=0
//   person=2 identity=alice hidden=1 room=1
//   at=1200000 do=settings client=1 value=4 spatial=1
//   at=0 do=links client=0 up.loss=0.05 up.propagation=20000 down.bits=5000000
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sim/scenarios/scenario.h"

namespace confab::sim {

inline constexpr std::size_t kMaxPlanSteps = 10'000;

std::string write_plan(const Scenario& scenario);
// nullopt for a line, word or number that is none.
std::optional<Scenario> parse_plan(std::string_view text);

}  // namespace confab::sim
