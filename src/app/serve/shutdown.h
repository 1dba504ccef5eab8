// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How the server ends (01 CON-11, 03 OPS-01): the first signal waits until nobody is there or their
// time is over, when their calls go on at other nodes of the cluster; the second ends the calls, a
// third does not wait for webhooks either.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/time.h"
#include "runtime/net/event_loop.h"

namespace confab::app {

struct ShutdownSteps {
    std::function<std::size_t()> participants;  // that are left
    std::function<void()> drain;                // nobody new comes
    std::function<void()> undrain = {};         // they do again
    // Calls go on at other nodes, in their time; `done` when all have. Empty: there are none.
    std::function<void(std::function<void()> done)> move_calls = {};
    std::function<void()> end_calls;  // and take no more connections
    // Calls `done` when nothing waits to be delivered any more, or it has waited long enough.
    std::function<void(std::function<void()> done)> flush;
};

struct DrainTimes {
    Duration limit = Duration::zero();            // of the whole drain; 0 = none (03 NODE-13)
    Duration tell_every = Duration::seconds(60);  // that it goes on
};

class Shutdown {
  public:
    // Stops `loop` at last. Without `drains` the first signal ends the calls.
    Shutdown(net::EventLoop& loop, bool drains, DrainTimes times, ShutdownSteps steps);

    void handle_signal();
    // Back from draining (03 OPS-01); true if it was. Once the calls are ended it is too late.
    bool undrain();
    // Ends the calls without waiting.
    void force();

    enum class State : std::uint8_t { kRunning, kDraining, kMoving, kEnding, kStopped };
    State state() const { return state_; }

  private:
    void begin_drain();
    void wait_until_empty();
    void tell_progress(std::size_t participants, Timestamp now);
    void move_calls();
    void end_calls();
    void stop();

    net::EventLoop& loop_;
    bool drains_;
    DrainTimes times_;
    ShutdownSteps steps_;
    State state_ = State::kRunning;
    Timestamp drained_by_ = Timestamp::never();
    Timestamp tell_at_;   // that the drain goes on
    int unfinished_ = 0;  // of the last frames and the webhooks
    net::EventLoop::Timer timer_;
};

}  // namespace confab::app
