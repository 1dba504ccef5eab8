// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// From what a node sees of the cluster to its metrics and to the operator's program.
#include "runtime/control/cluster/scaling.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "cluster/nodes/nodes_testing.h"

namespace confab::control {
namespace {

namespace nodes = cluster::nodes;
using telemetry::Metric;

struct World : nodes::Cluster {
    explicit World(const nodes::ScaleOptions& options, std::string program = "")
        : node(add("a")),
          scaling({loop, metrics, *node.port, node.registry.table(),
                   [this](Timestamp) { return leads; }},
                  options, {std::move(program), Duration::seconds(5)}) {
        pass_seconds(10);
        scaling.start(now);
        pass_seconds(1);
    }
    // As a turn of the loop does when it is due.
    void look() { scaling.handle_timeout(scaling.next_deadline()); }
    double said(Metric metric) {
        telemetry::Metrics all("ND_x");
        scaling.collect(all);
        return all.value(metric);
    }

    net::EventLoop loop;
    telemetry::Metrics metrics{"ND_x"};
    bool leads = true;
    nodes::TestNode& node;
    Scaling scaling;
};

}  // namespace

TEST_CASE(
    "Scaling: what the node that leads says is a metric, and runs the program once [OPS-04]") {
    World world({}, "/no/such/program");
    world.look();
    CHECK(world.said(Metric::kClusterDesiredNodes) == 1);
    CHECK(world.said(Metric::kClusterLeader) == 1);
    CHECK(world.metrics.value(Metric::kScaleCommands, {"failed"}) == 1);
    world.look();
    CHECK(world.metrics.value(Metric::kScaleCommands, {"failed"}) == 1);
    world.leads = false;
    world.look();
    CHECK(world.said(Metric::kClusterLeader) == 0);
    CHECK(world.metrics.value(Metric::kScaleCommands, {"failed"}) == 1);
}

TEST_CASE("Scaling: past weeks are read where it looks ahead, and only there [OPS-04]") {
    for (const Duration ahead : {Duration::seconds(3600), Duration::zero()}) {
        nodes::ScaleOptions options;
        options.ahead = ahead;
        World world(options);
        // Every hour of the week: whatever time it is.
        for (std::size_t i = 0; i < nodes::WeekForecast::kHours; ++i) {
            const std::string hour = std::to_string(i);
            const std::array<std::string_view, 4> words = {"HSET", nodes::ScaleHistory::kKey, hour,
                                                           "7"};
            (void)world.server.store().run(world.now, words);
        }
        Scaling next({world.loop, world.metrics, *world.node.port, world.node.registry.table(),
                      [](Timestamp) { return true; }},
                     options, {});
        next.start(world.now);
        world.pass_seconds(1);
        next.handle_timeout(next.next_deadline());
        telemetry::Metrics all("ND_x");
        next.collect(all);
        CHECK(all.value(Metric::kClusterDesiredNodes) == (ahead > Duration::zero() ? 7 : 1));
    }
}

}  // namespace confab::control
