// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The running server: everything behind `confab serve`.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace confab::app {

// What the command line knows beside the configuration.
struct ServeContext {
    bool dev = false;
    std::vector<std::string> warnings;  // of loading the configuration, for the log
    std::string web_dir;                // static files; empty = none
};

// Runs until a signal ends it; the exit code of the process.
int run_server(const config::Config& config, const ServeContext& context);

}  // namespace confab::app
