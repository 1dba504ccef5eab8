// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The figures of all parts of the server for a scrape.
#pragma once

#include <map>
#include <string>

#include "app/serve/load_meter.h"
#include "base/callback.h"
#include "runtime/control/cluster/cluster.h"
#include "runtime/control/routes/routes.h"
#include "runtime/control/shards/control_node.h"
#include "runtime/net/http/http_server.h"
#include "runtime/telemetry/metrics.h"
#include "runtime/turn/turn_node.h"
#include "runtime/worker/control_port.h"

namespace confab::app {

class Gauges {
  public:
    // `metrics`: those of the first control thread; `turn` and `cluster` may be null. All must
    // outlive this.
    Gauges(telemetry::Metrics& metrics, control::ControlNode& control, worker::ControlPort& media,
           const net::HttpServer& http, turn_server::TurnNode* turn,
           const control::Cluster* cluster)
        : metrics_(metrics),
          control_(control),
          media_(media),
          http_(http),
          turn_(turn),
          cluster_(cluster) {}

    // Asks the control threads; of one that does not answer soon the values are those of before.
    void render(Callback<std::string> reply);

  private:
    void collect();

    telemetry::Metrics& metrics_;
    control::ControlNode& control_;
    worker::ControlPort& media_;
    const net::HttpServer& http_;
    turn_server::TurnNode* turn_;
    const control::Cluster* cluster_;
    std::map<std::size_t, telemetry::Metrics> others_;  // by shard
};

control::NodeLoad node_load(worker::ControlPort& media, LoadMeter& meter);

}  // namespace confab::app
