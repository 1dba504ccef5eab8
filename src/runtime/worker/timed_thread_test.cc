// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/timed_thread.h"

#include <doctest/doctest.h>

#include <atomic>

namespace confab::worker {
namespace {

using Clock = std::chrono::steady_clock;

TEST_CASE("TimedThread: one that never began has ended") {
    TimedThread thread;
    CHECK(thread.join_until(Clock::now()));
}

TEST_CASE("TimedThread: one that goes on is given up at the time given, and ends later [CON-11]") {
    std::promise<void> may_end;
    std::atomic<bool> ended = false;
    TimedThread thread;
    thread.start([&, wait = may_end.get_future()] {
        wait.wait();
        ended = true;
    });
    const auto deadline = Clock::now() + std::chrono::milliseconds(20);
    CHECK_FALSE(thread.join_until(deadline));
    CHECK(Clock::now() >= deadline);
    CHECK_FALSE(ended);
    may_end.set_value();
    CHECK(thread.join_until(Clock::now() + std::chrono::seconds(30)));
    CHECK(ended);
    CHECK(thread.join_until(Clock::now()));  // again
}

TEST_CASE("TimedThread: its end waits for the thread") {
    std::atomic<bool> ended = false;
    std::promise<void> begun;
    {
        TimedThread thread;
        thread.start([&] {
            begun.set_value();
            std::this_thread::yield();
            ended = true;
        });
        begun.get_future().wait();
    }
    CHECK(ended);
}

}  // namespace
}  // namespace confab::worker
