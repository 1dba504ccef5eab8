// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A new configuration for a running server: by SIGHUP, and when one of its files has changed. It is
// read and checked as at the start. If anything is wrong with it, nothing changes and the log says
// what; else the settings that can hold at once do, and the log names those that need a restart.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/serve/file_watch.h"
#include "app/serve/serve_context.h"
#include "base/result.h"
#include "base/time.h"
#include "config/changes.h"
#include "runtime/net/event_loop.h"
#include "runtime/telemetry/metrics.h"

namespace confab::app {

inline constexpr Duration kLookAtFiles = Duration::seconds(1);

class Reload {
  public:
    // `apply` is given what shall hold from now on; its error leaves everything as it was.
    using Apply = std::function<Result<void, std::string>(const config::Config& config)>;
    Reload(net::EventLoop& loop, telemetry::Metrics& metrics, config::Config running,
           ConfigReader reader, Apply apply);

    // Looks at the files every kLookAtFiles from now on.
    void watch_files();
    void reload();
    // What holds now: as started, with what was reloaded since.
    const config::Config& running() const { return running_; }

  private:
    Result<config::Changes, std::string> take_over();
    void look();

    telemetry::Metrics& metrics_;
    config::Config running_;
    ConfigReader reader_;
    Apply apply_;
    FileWatch files_;
    net::EventLoop::Timer timer_;
};

}  // namespace confab::app
