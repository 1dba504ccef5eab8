// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// confab.limits and confab.trusted_proxies, for each part of the server that keeps them.
#pragma once

#include "config/config.h"
#include "runtime/control/routes/limit_gate.h"
#include "sfu/data/data_rates.h"
#include "sfu/peer/stranger_limits.h"
#include "turn/server.h"

namespace confab::app {

control::GateOptions gate_options(const config::Config& config);
sfu::StrangerLimits stranger_limits(const config::Config& config);
sfu::DataRates data_rates(const config::Config& config);
turn::AllocationLimits allocation_limits(const config::Config& config);

}  // namespace confab::app
