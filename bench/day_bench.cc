// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// bench: modules cluster/nodes redis rpc wire base

// A day of a large cluster in virtual time (src/cluster/nodes/day_testing.h): does it have nodes
// enough at every hour, how many more than needed, and is any call cut?
//
//   day_bench [--seed N] [--participants N] [--hours H] [--burst ROOMS] [--start-delay S]
//             [--drain-timeout S]
#include <cstdio>
#include <cstdlib>
#include <string>

#include "cluster/nodes/day_testing.h"

namespace {

namespace nodes = confab::cluster::nodes;

nodes::DayOptions read_options(int argc, char** argv) {
    nodes::DayOptions options;
    options.participants = 55'000;
    options.burst_rooms = 2000;
    options.burst_hour = 10.5;
    options.first_nodes = 6;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string name = argv[i];
        const double value = std::atof(argv[i + 1]);
        const auto seconds = confab::Duration::seconds(static_cast<std::int64_t>(value));
        if (name == "--seed") options.seed = static_cast<std::uint64_t>(value);
        if (name == "--participants") options.participants = value;
        if (name == "--hours") options.hours = value;
        if (name == "--burst") options.burst_rooms = static_cast<int>(value);
        if (name == "--start-delay") options.start_delay = seconds;
        if (name == "--drain-timeout") options.drain_timeout = seconds;
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const nodes::DayOptions options = read_options(argc, argv);
    const nodes::DayFigures day = nodes::Day(options).run();
    std::printf("seed %llu: %llu rooms, %llu joins, at most %zu participants on %zu nodes\n",
                static_cast<unsigned long long>(options.seed),
                static_cast<unsigned long long>(day.rooms),
                static_cast<unsigned long long>(day.joins), day.most_participants, day.most_nodes);
    std::printf("joins refused %llu (with no node being started %llu), lost %llu\n",
                static_cast<unsigned long long>(day.refused),
                static_cast<unsigned long long>(day.refused_unasked),
                static_cast<unsigned long long>(day.lost));
    std::printf("participants cut %llu; drains %llu, rooms handed over %llu\n",
                static_cast<unsigned long long>(day.cut),
                static_cast<unsigned long long>(day.drains),
                static_cast<unsigned long long>(day.moved_rooms));
    std::printf("highest load of a node %.2f of what it can\n", day.most_load);
    std::printf("node-hours %.0f, as few as possible %.0f: %.2f times\n", day.node_hours,
                day.ideal_hours, day.node_hours / day.ideal_hours);
    std::printf("burst: the fullest node has %d rooms, best possible %.1f: %.2f times\n",
                day.burst_most, day.burst_best, day.burst_most / day.burst_best);
    return day.cut + day.lost + day.refused_unasked == 0 ? 0 : 1;
}
