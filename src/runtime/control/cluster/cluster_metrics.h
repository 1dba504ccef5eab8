// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The figures of a node in its cluster, for a scrape (03 §6.1).
#pragma once

#include "cluster/psrpc/metrics.h"
#include "runtime/control/cluster/cluster.h"
#include "runtime/telemetry/metrics.h"

namespace confab::control {

void collect(telemetry::Metrics& metrics, const cluster::psrpc::Metrics& calls);
void collect(telemetry::Metrics& metrics, const Cluster::Snapshot& cluster);

}  // namespace confab::control
