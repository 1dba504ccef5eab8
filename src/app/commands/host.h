// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Everything the commands need from the machine, so that tests can stand in for it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "app/serve/server.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "runtime/load/run_load.h"
#include "runtime/netem/relay_node.h"

namespace confab::app {

inline constexpr std::size_t kMaxFileSize = 1024 * 1024;  // of configuration and key files

struct FileText {
    std::string text;
    unsigned mode = 0;  // permission bits
};

struct Host {
    std::function<std::optional<std::string>(std::string_view name)> env;
    // The error is the reason alone: "no such file or directory".
    std::function<Result<FileText, std::string>(const std::string& path)> read_file;
    std::function<void(BytesSpan out)> fill_random;
    std::function<UnixTime()> now;
    std::function<int(const config::Config&, const ServeContext&)> serve;
    std::function<Result<netsim::Totals, std::string>(const netsim::RelayOptions&)> netsim;
    std::function<load::Report(const load::RunSettings&)> load_test;
    // To the standard error output at once, if it is a terminal.
    std::function<void(const std::string& text)> progress;
    // The operator has asked for the end; from the first call on signals do that alone.
    std::function<bool()> interrupted;
};

// The real one; `serve`, `netsim` and `load_test` are left empty.
Host system_host();

}  // namespace confab::app
