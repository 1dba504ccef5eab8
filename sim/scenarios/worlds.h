// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Random days of a whole server: people come and go, lose WebSockets, UDP or everything for up to
// 19 s, are killed, take each other's identity, are given and denied rights, are muted, removed,
// and rooms are deleted under them. Few packets; swarm.h is for pictures.
#pragma once

#include "sim/scenarios/scenario.h"

namespace confab::sim {

struct WorldOptions {
    std::size_t shards = 1;
    std::size_t clients = 4;
    Duration length = Duration::seconds(20);
};

Scenario make_world(std::uint64_t seed, const WorldOptions& options);

}  // namespace confab::sim
