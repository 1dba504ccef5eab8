// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What must hold of a world at certain moments (07 §8). Each notes in the world's report what does
// not. What must hold all the time is checked where it happens: by clients, shards and the truth.
#pragma once

#include <set>

#include "sim/world/world.h"

namespace confab::sim {

// When all links have healed: who has not left, nor been sent away, is in.
void check_present(World& world);
// All rosters of all rooms agree with the server's, and that with who is there.
void check_rosters(World& world);
// What should flow flows; with `full_layers`, in the layers that are wanted, but not to who reports
// a narrow downlink: the highest that came since the last look.
void check_flow(World& world, bool full_layers);
// To and from one client, which is connected.
void check_flow_of(World& world, ClientId id, bool full_layers);
// Everybody has heard everything that the others said. `heard`: who was there when all said a last
// word, and nobody has said anything since.
void check_messages(World& world, const std::set<ClientId>& heard);
// When all have left: no server keeps anything.
void check_empty(World& world);

}  // namespace confab::sim
