// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What has to be one step for all nodes: short Lua scripts, and the keys they work on. Keys of one
// script share a slot of a Redis Cluster by their braces. memory_scripts.h has them for
// MemoryServer.
#pragma once

#include <string_view>

namespace confab::cluster::nodes {

inline constexpr std::string_view kNodesKey = "nodes";              // 03 RDS-07
inline constexpr std::string_view kRoomsKey = "room_node_map";      // 03 RDS-06
inline constexpr std::string_view kVersionKey = "livekit_version";  // 03 RDS-01
// Ours: node id -> "<rooms> <ms>", what was placed there lately. Goes by itself.
inline constexpr std::string_view kRecentKey = "{room_node_map}_recent";
// Ours: room -> node id, of rooms whose node is gone and whose state is not ended yet.
inline constexpr std::string_view kOrphansKey = "{room_node_map}_orphans";
// Ours: who clears up after the dead.
inline constexpr std::string_view kLeaderKey = "node_reconciler";

// KEYS: hash. ARGV: field, value. Removes the field if that is its value; 1 if so.
extern const std::string_view kDropIfScript;
// KEYS: room_node_map, recent. ARGV: room, the holder that may be replaced (empty: none), in how
// many milliseconds rooms placed lately count less by e (selectors.h), then node and load in rooms
// of each offer. Gives the room to the one with the least load and rooms placed
// lately, unless another holder has it: [holder, 1 if the room was given now].
extern const std::string_view kClaimScript;
// KEYS: room_node_map. ARGV: node, rooms… Each room that nobody has is the node's: [holder, …].
extern const std::string_view kHoldScript;
// KEYS: lock. ARGV: owner, milliseconds. Prolongs the owner's lock; 1 if it was.
extern const std::string_view kRenewScript;
// KEYS: hash. ARGV: cursor, count, values… A page of the fields with other values than these:
// [next cursor, field, value, …].
extern const std::string_view kScanScript;
// KEYS: room_node_map, orphans. ARGV: room, node, … Moves those that still are so: [room, …].
extern const std::string_view kOrphanScript;

}  // namespace confab::cluster::nodes
