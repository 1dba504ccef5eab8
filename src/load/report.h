// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The result of a load test as people and programs read it.
#pragma once

#include <string>
#include <vector>

#include "load/figures.h"

namespace confab::load {

// One JSON object on one line: packets_received, packets_lost, latency_ms, join_ms, freezes and the
// rest; docs/guide/load-test.md names them all. `violations`: what limits.h found.
std::string json_text(const Report& report, const std::vector<std::string>& violations);

// The two tables that `lk perf load-test` prints (05 C.4), tracks and summaries, by identity; of
// tracks at most kMaxRows, the others are counted below.
inline constexpr std::size_t kMaxRows = 100;
std::string tables_text(const Report& report);

// What upstream does not measure: latency, joins, freezes, and how busy the tester was.
std::string figures_text(const Report& report);

}  // namespace confab::load
