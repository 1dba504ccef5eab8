// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What `confab serve` is started with. Apart from the server, so that who starts it need not know
// all that it is made of.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/load.h"

namespace confab::app {

// Where the configuration comes from; both empty: it can not be read again.
struct ConfigReader {
    std::function<Result<config::Loaded, std::string>()> load;
    // The files that this configuration was read from, those it names included.
    std::function<std::vector<std::string>(const config::Config& config)> files;
};

// What the command line knows beside the configuration.
struct ServeContext {
    bool dev = false;
    std::vector<std::string> warnings;  // of loading the configuration, for the log
    std::string web_dir;                // of the demo page; empty = where it is built or installed
    ConfigReader reader;                // to read the configuration again
};

}  // namespace confab::app
