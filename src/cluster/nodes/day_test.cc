// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Half a day of a small cluster, the morning's rise and the dip at noon with it, and a short one
// whose nodes start slowly. bench/day_bench.cc has the large ones.
#include <doctest/doctest.h>

#include "cluster/nodes/day_testing.h"

namespace confab::cluster::nodes {
namespace {

DayOptions small_day(std::uint64_t seed) {
    DayOptions options;
    options.seed = seed;
    options.hours = 14;
    options.participants = 1500;
    options.burst_rooms = 60;
    options.burst_hour = 10.5;
    return options;
}

}  // namespace

TEST_CASE(
    "A day: nodes enough for all, not many more than needed, no call cut [OPS-04] [NODE-05]") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        CAPTURE(seed);
        const DayFigures day = Day(small_day(seed)).run();
        CHECK(day.joins > 8000);
        CHECK(day.most_nodes >= 6);
        CHECK(day.drains >= 3);
        CHECK(day.moved_rooms > 10);
        CHECK(day.cut == 0);
        CHECK(day.lost == 0);
        CHECK(day.refused == 0);
        CHECK(day.most_load < 1);
        CHECK(day.node_hours < 1.3 * day.ideal_hours);
        CHECK(day.burst_most <= 1.15 * day.burst_best);
    }
}

TEST_CASE(
    "A day: nodes that start too slowly are why joins are refused, and no call is cut [OPS-04]") {
    DayOptions options = small_day(1);
    options.hours = 9.5;
    options.start_delay = Duration::seconds(1800);
    options.burst_rooms = 0;
    const DayFigures day = Day(options).run();
    CHECK(day.refused > 100);
    CHECK(day.refused_unasked < day.refused / 10);
    CHECK(day.cut == 0);
    CHECK(day.lost == 0);
}

}  // namespace confab::cluster::nodes
