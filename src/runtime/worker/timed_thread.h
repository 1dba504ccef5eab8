// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A thread whose end is waited for, but not for ever.
#pragma once

#include <chrono>
#include <future>
#include <thread>
#include <utility>

namespace confab::worker {

class TimedThread {
  public:
    TimedThread() = default;
    ~TimedThread() { join(); }  // whoever uses this has told it to end
    TimedThread(const TimedThread&) = delete;
    TimedThread& operator=(const TimedThread&) = delete;

    template <typename Function>
    void start(Function function) {
        std::promise<void> ended;
        ended_ = ended.get_future();
        thread_ = std::thread([function = std::move(function), ended = std::move(ended)]() mutable {
            function();
            ended.set_value();
        });
    }
    // False if it has not ended by then: nothing that it uses may go. True too where it never
    // began.
    bool join_until(std::chrono::steady_clock::time_point deadline) {
        if (!thread_.joinable()) return true;
        if (ended_.wait_until(deadline) != std::future_status::ready) return false;
        thread_.join();
        return true;
    }
    void join() {
        if (thread_.joinable()) thread_.join();
    }

  private:
    std::thread thread_;
    std::future<void> ended_;
};

}  // namespace confab::worker
