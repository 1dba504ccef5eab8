// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How the server ends (01 CON-11): the first signal waits until nobody is there, the second ends
// the calls, a third does not wait for webhooks either.
#pragma once

#include <cstdint>
#include <functional>

#include "runtime/net/event_loop.h"

namespace confab::app {

struct ShutdownSteps {
    std::function<bool()> is_empty;   // no participant is left
    std::function<void()> drain;      // nobody new comes
    std::function<void()> end_calls;  // and take no more connections
    // Calls `done` when nothing waits to be delivered any more, or it has waited long enough.
    std::function<void(std::function<void()> done)> flush;
};

class Shutdown {
  public:
    // Stops `loop` at last. Without `drains` the first signal ends the calls.
    Shutdown(net::EventLoop& loop, bool drains, ShutdownSteps steps);

    void handle_signal();
    // Ends the calls without waiting.
    void force();

    enum class State : std::uint8_t { kRunning, kDraining, kEnding, kStopped };
    State state() const { return state_; }

  private:
    void wait_until_empty();
    void end_calls();
    void stop();

    net::EventLoop& loop_;
    bool drains_;
    ShutdownSteps steps_;
    State state_ = State::kRunning;
    int unfinished_ = 0;  // of the last frames and the webhooks
    net::EventLoop::Timer timer_;
};

}  // namespace confab::app
