// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A regression seed (07 §8, TST7-12): sim/seeds/<date>-<slug>.plan. It holds the plan itself, not
// what once made it, so that an edited generator does not change what it tests:
//
//   # sfu::Vp8Munger::write
//   story: a late picture …
//   seed: 680
//   shards=4 clients=6 …            the rest is a plan (scenarios/plan_text.h)
//   at=1200000 do=mute client=1
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/scenarios/scenario.h"

namespace confab::sim {

struct SeedFile {
    std::uint64_t seed = 1;  // of links, clients and server
    Scenario scenario;       // with its story
};

std::optional<SeedFile> parse_seed_file(std::string_view text);
std::string write_seed_file(const SeedFile& file);

}  // namespace confab::sim
