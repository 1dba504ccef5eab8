// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/scale_report.h"

#include <doctest/doctest.h>

namespace confab::control {

using telemetry::Metric;

TEST_CASE("Scale report: how many nodes, and one series of the one that may go [OPS-04]") {
    telemetry::Metrics metrics("ND_x");
    ScaleReport report;
    report.collect(metrics, {});
    CHECK(metrics.value(Metric::kClusterDesiredNodes) == 0);
    CHECK(metrics.value(Metric::kClusterLeader) == 0);
    CHECK(metrics.render().find("drain_candidate") == std::string::npos);

    report.collect(metrics, {3, 5, true, "ND_a"});
    CHECK(metrics.value(Metric::kClusterDesiredNodes) == 3);
    CHECK(metrics.value(Metric::kClusterServingNodes) == 5);
    CHECK(metrics.value(Metric::kClusterLeader) == 1);
    CHECK(metrics.value(Metric::kClusterDrainCandidate, {"ND_a"}) == 1);

    report.collect(metrics, {3, 4, true, "ND_b"});
    CHECK(metrics.render().find("candidate=\"ND_a\"") == std::string::npos);
    CHECK(metrics.value(Metric::kClusterDrainCandidate, {"ND_b"}) == 1);

    // Somebody else leads.
    report.collect(metrics, {3, 4, false, {}});
    CHECK(metrics.value(Metric::kClusterLeader) == 0);
    CHECK(metrics.value(Metric::kClusterDesiredNodes) == 3);
    CHECK(metrics.render().find("candidate=") == std::string::npos);
}

}  // namespace confab::control
