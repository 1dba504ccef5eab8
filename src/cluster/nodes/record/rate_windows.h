// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rates over windows of time, from counters that are read now and then (03 NODE-02, NODE-03:
// node_stats.stats_rate_measurement_intervals, [10 s]).
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "cluster/nodes/clock.h"
#include "cluster/nodes/record/figures.h"

namespace confab::cluster::nodes {

class RateWindows {
  public:
    static constexpr std::size_t kMaxWindows = 4;                 // further ones are left out
    static constexpr Duration kLongest = Duration::seconds(600);  // longer ones are cut to it
    // Samples that are kept. Beyond, every second one goes: windows become less exact.
    static constexpr std::size_t kMaxSamples = 512;

    explicit RateWindows(std::vector<Duration> windows);

    void add(const Clock& clock, const NodeFigures& figures);
    // One for each window that has passed since the first sample, in the order of the options. A
    // window reaches from the youngest sample that is old enough to the newest one.
    std::vector<RateFigures> rates() const;

  private:
    struct Sample {
        Clock clock;
        NodeFigures figures;
        // Seconds × value since the first sample.
        double cpu = 0, memory_load = 0, memory_used = 0, memory_total = 0;
    };
    static RateFigures between(const Sample& from, const Sample& to);
    void forget();

    std::vector<Duration> windows_;
    std::deque<Sample> samples_;
};

}  // namespace confab::cluster::nodes
