// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The record of a node in the hash "nodes" (03 RDS-07, NODE-01, NODE-03): livekit.Node as plain
// structs. We write only our own record, so what others add to theirs is never lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/nodes/record/figures.h"

namespace confab::cluster::nodes {

enum class NodeState : std::uint8_t { kStartingUp, kServing, kShuttingDown, kSuspended };
// "SERVING"
std::string_view to_text(NodeState state);

// Limits of a node (03 NODE-12); 0 is none.
struct NodeLimits {
    std::int64_t num_tracks = 0;     // in and out
    std::int64_t bytes_per_sec = 0;  // in and out
    bool operator==(const NodeLimits&) const = default;
};

struct NodeStats {
    std::int64_t started_at = 0;  // unix seconds, as the node's own clock has it
    std::int64_t updated_at = 0;
    NodeFigures figures;
    std::vector<RateFigures> rates;
    bool operator==(const NodeStats&) const = default;
};

struct NodeRecord {
    std::string id;
    std::string ip;
    std::string region;
    std::uint32_t num_cpus = 0;
    bool is_server = true;  // there are other types, which take no rooms
    NodeState state = NodeState::kServing;
    std::optional<NodeStats> stats;
    // Ours, in fields that others do not know: whose limits else should a node be held to?
    std::optional<NodeLimits> limits;
    std::string link;  // ours too: where it takes direct links, "address:port"; empty: nowhere
    bool operator==(const NodeRecord&) const = default;
};

inline constexpr std::size_t kMaxRecordBytes = 16 * 1024;
inline constexpr std::size_t kMaxNodeId = 128;    // bytes
inline constexpr std::size_t kMaxNodeText = 256;  // bytes of ip and region; longer ones are cut
inline constexpr std::size_t kMaxNodeRates = 8;   // further ones are left out

// What may stand for a node: not empty, of bounded length, ASCII without blanks and separators of
// channels.
bool is_node_id(std::string_view text);

std::string write_record(const NodeRecord& record);
// nullopt: no record of a node, or beyond the bounds. Figures that cannot be (negative, not a
// number) read as 0, unknown states as suspended.
std::optional<NodeRecord> read_record(std::string_view bytes);

// ---- figures that are compared
std::int64_t tracks_of(const NodeStats& stats);
// In and out, of the first window; 0 without one.
double bytes_per_sec_of(const NodeStats& stats);
// Load of a minute per CPU; nullopt: the number of CPUs is not known.
std::optional<double> sysload_of(const NodeRecord& record);
// By its own limits, by `others` where it states none. A node without figures is not full.
bool is_full(const NodeRecord& record, const NodeLimits& others);

}  // namespace confab::cluster::nodes
