// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The operator's program that starts and ends machines (03 OPS-04): run by the node that leads when
// it says something else of the number of nodes. One at a time; what is said meanwhile is for the
// next, the newest alone. It never holds the loop up: it is looked after by a timer.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/time.h"
#include "cluster/nodes/node_scaler.h"
#include "runtime/net/event_loop.h"

namespace confab::control {

struct ScaleCommandOptions {
    std::string program;  // empty: none
    Duration patience = Duration::seconds(30);
};

class ScaleCommand {
  public:
    static constexpr Duration kLook = Duration::millis(100);
    // What failed is tried again after that long, with what is said then.
    static constexpr Duration kAgain = Duration::seconds(60);
    using Said = cluster::nodes::NodeScaler::Snapshot;
    enum class Result : std::uint8_t { kDone, kFailed, kKilled };
    using Ended = std::function<void(Result)>;

    // The loop outlives it; `ended` is for metrics.
    ScaleCommand(net::EventLoop& loop, ScaleCommandOptions options, Ended ended);
    // Kills one that runs.
    ~ScaleCommand();
    ScaleCommand(const ScaleCommand&) = delete;
    ScaleCommand& operator=(const ScaleCommand&) = delete;

    void say(const Said& said);
    bool is_running() const { return pid_ > 0; }

  private:
    void run();
    void look();
    void finish(Result result, const std::string& how);

    net::EventLoop& loop_;
    ScaleCommandOptions options_;
    Ended ended_;
    std::optional<Said> wanted_;  // not told yet
    Said running_;                // what the one that runs was told
    pid_t pid_ = 0;
    bool is_killed_ = false;
    Timestamp until_;
    net::EventLoop::Timer timer_;
};

}  // namespace confab::control
