// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The commands behind command_line.h; each adds its flags and returns what it does when chosen.
#pragma once

#include <functional>
#include <string>

#include "app/commands/command_line.h"
#include "base/result.h"
#include "config/config.h"
#include "config/diagnostic.h"

namespace CLI {
class App;
}

namespace confab::app {

using Action = std::function<Outcome(const Host& host)>;

Action add_serve(CLI::App& command);
Action add_generate_keys(CLI::App& command);
Action add_create_join_token(CLI::App& command);
Action add_ports(CLI::App& command);
Action add_doctor(CLI::App& command);
Action add_setup(CLI::App& command);
Action add_netsim(CLI::App& command);
Action add_load_test(CLI::App& command);
Action add_version(CLI::App& command);
Action add_help_verbose(CLI::App& command);
Action add_config_check(CLI::App& command);
Action add_config_show(CLI::App& command);
Action add_config_sample(CLI::App& command);
Action add_config_reference(CLI::App& command);
Action add_metrics_reference(CLI::App& command);
Action add_errors_reference(CLI::App& command);
Action add_ids_reference(CLI::App& command);
Action add_cli_reference(CLI::App& command);

// CLI-03: the lines of `confab ports`.
std::string ports_text(const config::Config& config);
std::string version_text();

// A new API key and its secret (01 SID-02, SID-04).
struct KeyPair {
    std::string key;
    std::string secret;
};
KeyPair make_key_pair(const Host& host);

// "error: …" and exit code 1.
Outcome failure(const std::string& message);
// "warning: …" per line; `file` as in config::to_text().
std::string warning_lines(const config::Diagnostics& warnings, std::string_view file);

}  // namespace confab::app
