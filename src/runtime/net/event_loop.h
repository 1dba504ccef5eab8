// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The control thread's loop (07 CORO-02): one io_context, timers, watched descriptors and signals.
//
// A turn is: run what is ready (at most kMaxHandlersPerTurn handlers), then call the turn hook
// once. The loop sleeps only if nothing was ready and the sleep hook allows it. So the owner reads
// its inputs in handlers, and drains the effects of all of them in the turn hook.
//
// All functions but stop() and post() belong to the thread of run(), before or while it runs. Every
// Timer, FdWatch, server and connection handle must be gone before its EventLoop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/time.h"

namespace confab::net {

// Stops watching when destroyed; does not own the descriptor.
class FdWatch {
  public:
    FdWatch();
    FdWatch(FdWatch&&) noexcept;
    FdWatch& operator=(FdWatch&&) noexcept;
    ~FdWatch();

    struct Impl;
    explicit FdWatch(std::shared_ptr<Impl> impl);

  private:
    std::shared_ptr<Impl> impl_;
};

class EventLoop {
  public:
    static constexpr std::size_t kMaxHandlersPerTurn = 1024;

    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    // Returns after stop(); may be called again.
    void run();
    // Any thread. The current turn ends first, its turn hook included.
    void stop();
    // Any thread. Never runs `fn` inside the call.
    void post(Callback<> fn);

    // Called once at the end of each turn.
    void set_turn_hook(std::function<void()> hook);
    // `may_sleep` is called when nothing is ready, just before the loop would block; false makes it
    // go on with the turn hook. `awake` is called after `may_sleep`, whether it blocked or not.
    // With worker::Wakeup: announce_sleep() and look at the queues in one, awake() in the other.
    void set_sleep_hooks(std::function<bool()> may_sleep, std::function<void()> awake);

    // What a handler, timer or hook throws does not leave run(): it is counted, and `handler` is
    // called with its text, to end the room or session it belongs to (07 ERR-04). What `handler`
    // throws is only counted.
    void set_failure_handler(std::function<void(const std::string& what)> handler);
    // For what a handler threw and its caller answered itself: counts and tells it as well.
    void report_failure(const std::string& what) noexcept;
    std::uint64_t failures() const;

    static Timestamp now();  // CLOCK_MONOTONIC
    static UnixTime wall();
    // Processor time of the calling thread: what it did itself, however long it was kept waiting.
    static Duration worked();

    // Calls `fn` while `fd` is readable (level-triggered, once per turn).
    FdWatch watch_fd(int fd, std::function<void()> fn);
    // From now on these signals call `fn(number)` in the loop instead of their default action.
    void on_signal(const std::vector<int>& signals, std::function<void(int)> fn);

    class Timer {
      public:
        explicit Timer(EventLoop& loop);
        ~Timer();  // cancels
        Timer(Timer&&) noexcept;
        Timer& operator=(Timer&&) noexcept;

        // Replaces what was set. A deadline in the past fires in the next turn, never() cancels.
        // `fn` is called once and may set or destroy this timer.
        void set(Timestamp deadline, std::function<void()> fn);
        void cancel();

      private:
        struct Impl;
        std::shared_ptr<Impl> impl_;
    };

    // For the other files of runtime/net (event_loop_impl.h).
    struct Impl;
    Impl& impl() { return *impl_; }

  private:
    void sleep();

    std::unique_ptr<Impl> impl_;
};

}  // namespace confab::net
