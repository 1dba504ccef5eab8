// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// All that this node has to do with the number of nodes (03 OPS-04): what it says, what past weeks
// say, metrics, and the operator's program where it leads.
#pragma once

#include "cluster/nodes/node_scaler.h"
#include "cluster/nodes/scale_history.h"
#include "redis/port.h"
#include "runtime/control/cluster/scale_command.h"
#include "runtime/control/cluster/scale_report.h"
#include "runtime/net/event_loop.h"
#include "runtime/telemetry/metrics.h"

namespace confab::control {

class Scaling {
  public:
    // All outlive it; `metrics` has the runs of the program.
    struct Parts {
        net::EventLoop& loop;
        telemetry::Metrics& metrics;
        redis::Port& redis;
        const cluster::nodes::NodeTable& table;
        cluster::nodes::NodeScaler::Leads leads;
    };
    Scaling(Parts parts, const cluster::nodes::ScaleOptions& options, ScaleCommandOptions command);

    void start(Timestamp now);
    // Redis is there.
    void handle_up(Timestamp now);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return scaler_.next_deadline(); }
    // For a scrape.
    void collect(telemetry::Metrics& metrics) { report_.collect(metrics, scaler_.snapshot()); }

  private:
    bool looks_ahead_;
    cluster::nodes::ScaleHistory history_;
    cluster::nodes::NodeScaler scaler_;
    ScaleCommand command_;
    ScaleReport report_;
};

}  // namespace confab::control
