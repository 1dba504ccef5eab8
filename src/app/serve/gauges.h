// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The figures of all parts for a scrape, and what the node carries.
#pragma once

#include "app/serve/load_meter.h"
#include "runtime/control/control_plane.h"
#include "runtime/control/routes/routes.h"
#include "runtime/net/http/http_server.h"
#include "runtime/telemetry/metrics.h"
#include "runtime/worker/control_port.h"

namespace confab::app {

// Fresh values, from the snapshots of all parts.
void collect(telemetry::Metrics& metrics, control::ControlPlane& control,
             worker::ControlPort& media, const net::HttpServer& http);

control::NodeLoad node_load(worker::ControlPort& media, LoadMeter& meter);

}  // namespace confab::app
