// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A whole load test: threads, their participants, and who watches until it is over.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "load/figures.h"
#include "load/options.h"

namespace confab::load {

struct Progress {
    std::uint64_t joined = 0;
    std::uint64_t failed = 0;
    std::uint64_t participants = 0;
    std::uint64_t packets = 0;  // received so far
    Duration passed;            // since the beginning
};

struct RunSettings {
    Options options;
    std::string url;
    std::string api_key;
    std::string api_secret;
    std::size_t threads = 0;  // 0: by the number of participants, at most half the cores
    bool own_sockets = false;
    // Asked a few times a second; true: end the test now.
    std::function<bool(const Progress&)> watch;
};

// Returns when the test is over. report.failure: why it could not be run to its end.
Report run_load(const RunSettings& settings);

}  // namespace confab::load
