// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/shutdown.h"

#include <string_view>
#include <utility>

#include "runtime/telemetry/log.h"

namespace confab::app {
namespace {

constexpr Duration kLookAgain = Duration::seconds(1);
// The last frames and closes are written before the loop ends.
constexpr Duration kFarewell = Duration::millis(200);

}  // namespace

Shutdown::Shutdown(net::EventLoop& loop, bool drains, DrainTimes times, ShutdownSteps steps)
    : loop_(loop), drains_(drains), times_(times), steps_(std::move(steps)), timer_(loop) {}

void Shutdown::handle_signal() {
    switch (state_) {
        case State::kRunning:
            if (!drains_) return end_calls();
            return begin_drain();
        case State::kDraining:
        case State::kMoving:
            return end_calls();
        case State::kEnding:
        case State::kStopped:
            return stop();
    }
}

void Shutdown::force() {
    if (state_ < State::kEnding) end_calls();
}

void Shutdown::begin_drain() {
    state_ = State::kDraining;
    if (steps_.drain) steps_.drain();
    if (times_.limit > Duration::zero()) drained_by_ = net::EventLoop::now() + times_.limit;
    wait_until_empty();
}

void Shutdown::wait_until_empty() {
    const std::size_t participants = steps_.participants();
    const Timestamp now = net::EventLoop::now();
    if (participants == 0) return move_calls();
    if (now >= drained_by_) {
        telemetry::log_warn("the time to drain is over: ending the calls",
                            {{"participants", participants}});
        return move_calls();
    }
    if (now >= tell_at_) tell_progress(participants, now);
    timer_.set(earlier(now + kLookAgain, earlier(tell_at_, drained_by_)),
               [this] { wait_until_empty(); });
}

bool Shutdown::undrain() {
    if (state_ != State::kDraining && state_ != State::kMoving) return false;
    state_ = State::kRunning;
    timer_.cancel();
    tell_at_ = Timestamp();
    drained_by_ = Timestamp::never();
    if (steps_.undrain) steps_.undrain();
    telemetry::log_info("the drain is called off: this node serves again");
    return true;
}

// Rooms that wait for their participants go too. What finds no other node ends here.
void Shutdown::move_calls() {
    if (!steps_.move_calls) return end_calls();
    state_ = State::kMoving;
    steps_.move_calls([this] {
        if (state_ == State::kMoving) end_calls();
    });
}

// How many are left, and when it is over.
void Shutdown::tell_progress(std::size_t participants, Timestamp now) {
    constexpr std::string_view kText = "draining: waiting for the participants to leave";
    constexpr std::string_view kRemedy = "a second signal ends their calls";
    tell_at_ = now + times_.tell_every;
    if (drained_by_.is_never())
        return telemetry::log_info(kText, {{"participants", participants}, {"remedy", kRemedy}});
    const std::int64_t seconds_left =
        (drained_by_ - now + Duration::micros(999'999)).us() / 1'000'000;
    telemetry::log_info(
        kText,
        {{"participants", participants}, {"seconds_left", seconds_left}, {"remedy", kRemedy}});
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
