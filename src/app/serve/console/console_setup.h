// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the console is given by the program: its pages, settings and certificates, its history.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/serve/tls/certificates.h"
#include "base/callback.h"
#include "config/config.h"
#include "console/views.h"
#include "runtime/control/console/console.h"
#include "runtime/net/http/static_files.h"
#include "runtime/store/history/history_writer.h"

namespace confab::app {

control::ConsoleOptions console_options(const config::Config& config);
store::HistoryLimits history_limits(const config::Config& config);
std::optional<net::StaticFiles> embedded_console();
std::vector<console::OptionView> option_views(const config::Config& config);
std::vector<console::CertificateView> certificate_views(
    const std::vector<Certificates::Shown>& shown, UnixTime now);

// Null where no history is wanted. Without a folder, or where it does not serve, it is in memory,
// which the log tells.
std::unique_ptr<store::HistoryWriter> open_history(const config::Config& config,
                                                   const std::string& folder,
                                                   std::function<void(Callback<>)> post);

}  // namespace confab::app
