// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/scaling.h"

#include <utility>

namespace confab::control {
namespace {

const char* to_text(ScaleCommand::Result result) {
    switch (result) {
        case ScaleCommand::Result::kDone:
            return "done";
        case ScaleCommand::Result::kFailed:
            return "failed";
        case ScaleCommand::Result::kKilled:
            return "killed";
    }
    return "unknown";
}

}  // namespace

Scaling::Scaling(Parts parts, const cluster::nodes::ScaleOptions& options,
                 ScaleCommandOptions command)
    : looks_ahead_(options.ahead > Duration::zero()),
      history_(parts.redis),
      scaler_(parts.table, std::move(parts.leads), options),
      command_(parts.loop, std::move(command),
               [&metrics = parts.metrics](ScaleCommand::Result result) {
                   metrics.add(telemetry::Metric::kScaleCommands, {to_text(result)});
               }) {
    scaler_.set_history(history_, [](Timestamp at) {
        return net::EventLoop::wall() + (at - net::EventLoop::now());
    });
}

void Scaling::start(Timestamp now) {
    handle_up(now);
    scaler_.start(now);
}

void Scaling::handle_up(Timestamp now) {
    if (looks_ahead_) history_.handle_up(now);
}

void Scaling::handle_timeout(Timestamp now) {
    scaler_.handle_timeout(now);
    const auto said = scaler_.poll_event();
    if (!said) return;
    ScaleReport::log(*said);
    command_.say(*said);
}

}  // namespace confab::control
