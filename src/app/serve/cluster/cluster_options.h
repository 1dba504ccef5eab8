// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// From the configuration to the settings of a node in a cluster (03 §1 to §4).
#pragma once

#include <cstdint>
#include <string>

#include "app/serve/cpu/cpu_gauge.h"
#include "app/serve/machine.h"
#include "base/result.h"
#include "cluster/nodes/record/figures.h"
#include "config/config.h"
#include "runtime/control/cluster/cluster.h"
#include "runtime/control/shards/control_report.h"
#include "runtime/worker/control_port.h"

namespace confab::app {

// The error is a text for the operator, with the remedy.
Result<control::ClusterOptions, std::string> cluster_options(const config::Config& config,
                                                             const std::string& node_id,
                                                             std::uint64_t seed);
// What this node tells the others of itself (NODE-03).
cluster::nodes::NodeFigures node_figures(worker::ControlPort& media,
                                         const control::ControlReport& report,
                                         const CpuGauge::Reading& cpu,
                                         const MachineReading& machine);
// Whole ones, as a record has them: a part of one is one.
std::uint32_t whole_cpus(const CpuGauge::Reading& cpu);

}  // namespace confab::app
