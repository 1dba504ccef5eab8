// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/shutdown.h"

#include <utility>

#include "runtime/telemetry/log.h"

namespace confab::app {
namespace {

constexpr Duration kLookAgain = Duration::seconds(1);
// The last frames and closes are written before the loop ends.
constexpr Duration kFarewell = Duration::millis(200);

}  // namespace

Shutdown::Shutdown(net::EventLoop& loop, bool drains, ShutdownSteps steps)
    : loop_(loop), drains_(drains), steps_(std::move(steps)), timer_(loop) {}

void Shutdown::handle_signal() {
    switch (state_) {
        case State::kRunning:
            if (!drains_) return end_calls();
            state_ = State::kDraining;
            if (steps_.drain) steps_.drain();
            telemetry::log_info("draining: waiting for the participants to leave",
                                {{"remedy", "a second signal ends their calls"}});
            return wait_until_empty();
        case State::kDraining:
            return end_calls();
        case State::kEnding:
        case State::kStopped:
            return stop();
    }
}

void Shutdown::force() {
    if (state_ == State::kRunning || state_ == State::kDraining) end_calls();
}

void Shutdown::wait_until_empty() {
    if (steps_.is_empty()) return end_calls();
    timer_.set(net::EventLoop::now() + kLookAgain, [this] { wait_until_empty(); });
}

void Shutdown::end_calls() {
    state_ = State::kEnding;
    steps_.end_calls();
    unfinished_ = 2;
    const auto finished = [this] {
        if (--unfinished_ == 0) stop();
    };
    timer_.set(net::EventLoop::now() + kFarewell, finished);
    steps_.flush(finished);
}

void Shutdown::stop() {
    state_ = State::kStopped;
    timer_.cancel();
    loop_.stop();
}

}  // namespace confab::app
