// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The facts of this machine that a configuration makes interesting.
#pragma once

#include <string>

#include "app/doctor/judge.h"
#include "runtime/doctor/waiting.h"

namespace confab::doctor {

// `is_running`: its server has the ports itself.
HostFacts examine_host(const config::Config& config, const std::string& data_dir, bool is_running,
                       const Deadline& deadline);

// The ports of a configuration, as a server binds them.
std::vector<PortFacts> ports_of(const config::Config& config);

}  // namespace confab::doctor
