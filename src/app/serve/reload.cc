// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/reload.h"

#include <string_view>
#include <utility>

#include "config/changes.h"
#include "runtime/telemetry/log.h"

namespace confab::app {
namespace {

std::string names(const std::vector<std::string_view>& settings) {
    std::string text;
    for (const std::string_view setting : settings)
        text.append(text.empty() ? "" : ", ").append(setting);
    return text;
}

}  // namespace

Reload::Reload(net::EventLoop& loop, telemetry::Metrics& metrics, config::Config running,
               ConfigReader reader, Apply apply)
    : metrics_(metrics),
      running_(std::move(running)),
      reader_(std::move(reader)),
      apply_(std::move(apply)),
      timer_(loop) {}

Result<config::Changes, std::string> Reload::take_over() {
    if (!reader_.load)
        return tl::make_unexpected(std::string("this server was started without a file"));
    CONFAB_TRY(const config::Loaded loaded, reader_.load());
    for (const config::Diagnostic& warning : loaded.warnings)
        telemetry::log_warn(config::to_text(warning));
    config::Changes changes = config::changes(running_, loaded.config);
    if (!changes.live.empty()) {
        config::Config wanted = config::with_live(running_, loaded.config);
        CONFAB_TRY_VOID(apply_(wanted));
        running_ = std::move(wanted);
    }
    // Files that are named from now on are watched from now on.
    if (reader_.files) files_.begin(reader_.files(running_));
    return changes;
}

void Reload::reload() {
    const auto changes = take_over();
    metrics_.add(telemetry::Metric::kConfigReloadTotal, {changes ? "success" : "failure"});
    if (!changes) {
        telemetry::log_error(
            "the configuration is not reloaded, all stays as it was",
            {{"error", changes.error()}, {"remedy", "`confab config check` says more"}});
        return;
    }
    if (changes->empty()) telemetry::log_info("configuration reloaded, nothing has changed");
    if (!changes->live.empty())
        telemetry::log_info("configuration reloaded", {{"changed", names(changes->live)}});
    if (!changes->restart.empty())
        telemetry::log_warn("changes that need a restart have no effect yet",
                            {{"settings", names(changes->restart)}});
}

void Reload::watch_files() {
    if (!reader_.files) return;
    files_.begin(reader_.files(running_));
    timer_.set(net::EventLoop::now() + kLookAtFiles, [this] { look(); });
}

void Reload::look() {
    if (files_.changed()) reload();
    timer_.set(net::EventLoop::now() + kLookAtFiles, [this] { look(); });
}

}  // namespace confab::app
