// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The program's commands (01 section 8), as a function from arguments to texts and exit code.
#pragma once

#include <string>
#include <vector>

#include "app/commands/host.h"

namespace confab::app {

inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;   // a wrong flag or command
inline constexpr int kExitLimits = 3;  // a load test did not keep its limits

struct Outcome {
    int code = 0;     // differs from upstream: an error never gives 0 (CLI-04)
    std::string out;  // for stdout
    std::string err;  // for stderr; on errors its last line says what to do
};

// `arguments` without the name of the program. `confab serve` runs host.serve() inside this call.
Outcome run_command(const std::vector<std::string>& arguments, const Host& host);

}  // namespace confab::app
