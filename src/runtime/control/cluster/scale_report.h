// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What this node has to say of the number of nodes (03 OPS-04): metrics, which an autoscaler
// outside reads, and lines of the log.
#pragma once

#include <string>

#include "cluster/nodes/node_scaler.h"
#include "runtime/telemetry/metrics.h"

namespace confab::control {

class ScaleReport {
  public:
    using Snapshot = cluster::nodes::NodeScaler::Snapshot;

    static void log(const Snapshot& said);
    // For a scrape. Who should go has a series as long as it should.
    void collect(telemetry::Metrics& metrics, const Snapshot& scale);

  private:
    std::string candidate_;
};

}  // namespace confab::control
