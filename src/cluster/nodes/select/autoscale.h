// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How many nodes a cluster should have, and which one may go (03 OPS-04). What starts and ends
// machines is outside.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/time.h"
#include "cluster/nodes/select/selectors.h"

namespace confab::cluster::nodes {

struct ScaleOptions {
    double cpu_target = 0.6;           // mean load of a node, 0 … 1
    double bytes_per_node = 0;         // per second, in and out; 0: does not count
    double participants_per_node = 0;  // 0: does not count
    double tracks_per_node = 0;        // in and out; 0: does not count
    std::size_t least = 1;
    std::size_t most = 1000;
    Duration hold = Duration::seconds(600);  // before there are fewer
    double drain_share = 0.1;                // of the nodes, that drain at a time; at least one
    Duration
        ahead;  // so long before an hour that needed more in past weeks; zero: nothing is expected
};
// A node at its limit refuses, so that the sum is never above what all may take: of the limits
// nodes are held to, this much is planned for.
inline constexpr double kLimitTarget = 0.8;

// ceil(max(cpu / target, bytes / limit, participants / limit, tracks / limit)) over all that is
// alive: what drains has to find room elsewhere. Within least and most.
std::size_t desired_nodes(std::span<const NodeView> nodes, const ScaleOptions& options);

struct ScaleAdvice {
    std::size_t desired = 0;
    std::size_t serving = 0;
    std::optional<std::string> drain;  // one of the serving, when there are too many
};

// Takes the highest of the last `hold`, so that a dip ends nothing. Names one node after the other
// while too many serve, the one with the fewest participants; a tenth of them drains at a time.
class Autoscaler {
  public:
    explicit Autoscaler(ScaleOptions options) : options_(options) {}
    // `expected`: nodes that will be needed soon, whatever is needed now.
    ScaleAdvice update(Timestamp now, std::span<const NodeView> nodes, std::size_t expected = 0);
    const ScaleOptions& options() const { return options_; }

  private:
    ScaleOptions options_;
    std::optional<Timestamp> begun_;
    std::deque<std::pair<Timestamp, std::size_t>> peaks_;  // falling: no more than there are counts
};

}  // namespace confab::cluster::nodes
