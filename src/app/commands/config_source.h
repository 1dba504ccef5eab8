// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The flags that make up the configuration (01 CLI-01, CLI-02), and loading it from file,
// environment and these flags.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "app/commands/host.h"
#include "base/result.h"
#include "config/load.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace confab::app {

class ConfigSource {
  public:
    // Adds --config, --config-body, the named flags and, hidden, one flag per key with one value.
    // The command must outlive this object.
    void add_flags(CLI::App& command);
    // Used where --config is absent: the file given without flag.
    void set_file(std::string path) { file_ = std::move(path); }

    // After parsing. Reads key_file and secret_file as well; the error is ready to print.
    Result<config::Loaded, std::string> load(const Host& host, config::FinishOptions options) const;

    // The same with the mistakes one by one.
    Result<config::Loaded, config::Diagnostics> examine(const Host& host,
                                                        config::FinishOptions options) const;
    // A file, a text or a flag says something; else load() gives the defaults.
    bool is_given(const Host& host) const;

    // The files that load() reads for this configuration.
    std::vector<std::string> files(const Host& host, const config::Config& config) const;

    // Empty if the configuration is no file. For the places of warnings.
    std::string file_in_use(const Host& host) const;

  private:
    struct Flag {
        CLI::Option* option;
        std::string_view path;
    };
    void add_key_flags(CLI::App& command);
    Result<std::string, std::string> yaml(const Host& host) const;
    std::vector<config::FlagValue> given() const;

    std::vector<Flag> flags_;
    CLI::Option* config_ = nullptr;
    CLI::Option* config_body_ = nullptr;
    CLI::Option* relaxed_ = nullptr;
    std::vector<CLI::Option*> ignored_;
    std::string file_;
};

// "~" at the start and $VAR or ${VAR} anywhere; unknown variables become nothing (CFG-02).
std::string expand_path(std::string_view path, const Host& host);

}  // namespace confab::app
