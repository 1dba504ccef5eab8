// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What whole nodes of one Redis say of their number.
#include <doctest/doctest.h>

#include <string>
#include <thread>

#include "runtime/control/cluster/cluster_node_testing.h"

namespace confab::control {
namespace {

using telemetry::Metric;

double said(ClusterNode& node, Metric metric) {
    return node.call([metric](Cluster& cluster) {
        telemetry::Metrics metrics("ND_test");
        cluster.collect(metrics);
        return metrics.value(metric);
    });
}

bool becomes(ClusterNode& node, Metric metric, double value) {
    return node.eventually([metric, value](Cluster& cluster) {
        telemetry::Metrics metrics("ND_test");
        cluster.collect(metrics);
        return metrics.value(metric) == value;
    });
}

}  // namespace

TEST_CASE("Cluster: all nodes say how many there should be, one leads [OPS-04] [OBS-32]") {
    MemoryRedis redis;
    ClusterNode a(redis, "ND_a");
    ClusterNode b(redis, "ND_b");
    REQUIRE(a.sees_nodes(2));
    REQUIRE(b.sees_nodes(2));
    for (ClusterNode* node : {&a, &b}) {
        CHECK(becomes(*node, Metric::kClusterServingNodes, 2));
        CHECK(becomes(*node, Metric::kClusterDesiredNodes, 2));  // for now: who begins ends none
        CHECK(said(*node, Metric::kNodeHeartbeat) > 0);
        CHECK(said(*node, Metric::kClusterNodesLost) == 0);
    }
    // The lead is sought in a round of 10 s.
    const auto leaders = [&] {
        return said(a, Metric::kClusterLeader) + said(b, Metric::kClusterLeader);
    };
    for (int i = 0; i < 1200 && leaders() == 0; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(leaders() == 1);

    b.call([](Cluster& cluster) {
        cluster.drain();
        return 0;
    });
    CHECK(becomes(a, Metric::kClusterServingNodes, 1));
    b.end();
    CHECK(becomes(a, Metric::kClusterNodesLost, 1));
}

}  // namespace confab::control
