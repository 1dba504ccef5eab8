// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The thread of the history: takes what has come within a second as one transaction, and answers
// what is asked of the past. Nobody waits for the disk. What cannot be written is lost and counted.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/callback.h"
#include "runtime/store/history/history_file.h"
#include "runtime/worker/timed_thread.h"

namespace confab::store {

class HistoryWriter {
  public:
    static constexpr std::size_t kMaxWaiting = 20'000;  // writes; further ones are dropped
    static constexpr std::size_t kMaxQuestions = 64;    // further ones are refused
    static constexpr std::chrono::seconds kGather{1};
    static constexpr std::chrono::seconds kPruneInterval{60};

    template <typename T>
    using Reply = Callback<Result<T, std::string>>;

    // `post` carries answers to the thread that asks; what is posted may come after the end of
    // this.
    HistoryWriter(std::unique_ptr<HistoryFile> file, HistoryLimits limits,
                  std::function<void(Callback<>)> post);
    ~HistoryWriter();  // end(), and waits for it
    HistoryWriter(const HistoryWriter&) = delete;
    HistoryWriter& operator=(const HistoryWriter&) = delete;

    // Of one thread; what was written before is seen by what is asked later.
    void write(console::HistoryWrite write);
    void minutes(const console::Range& range, Reply<std::vector<console::Minute>> reply);
    void sessions(console::SessionsQuery query, Reply<console::SessionPage> reply);
    void events(console::EventsQuery query, Reply<std::vector<console::Event>> reply);
    void set_limits(const HistoryLimits& limits);

    struct Figures {
        std::uint64_t dropped = 0;  // had no place, or could not be written
        bool works = true;
    };
    Figures figures() const;

    // What waits is written first; whoever asks, or waits for an answer, is refused.
    void end();
    bool ended_by(std::chrono::steady_clock::time_point deadline);

  private:
    using Question = Callback<HistoryFile*>;  // null: nobody looks any more
    template <typename T, typename Ask>
    void ask(Ask&& question, Reply<T> reply);
    void run();
    // False: end.
    bool wait(std::vector<console::HistoryWrite>& batch, std::deque<Question>& questions);
    void commit(const std::vector<console::HistoryWrite>& batch);
    void fail(const HistoryError& error);
    void prune();
    HistoryLimits limits();
    bool is_ending();

    std::unique_ptr<HistoryFile> file_;  // of the thread
    std::function<void(Callback<>)> post_;
    std::chrono::steady_clock::time_point next_prune_;
    std::chrono::steady_clock::time_point next_report_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<console::HistoryWrite> writes_;
    std::deque<Question> questions_;
    HistoryLimits limits_;
    bool prune_now_ = true;
    bool ends_ = false;

    std::atomic<std::uint64_t> dropped_{0};
    std::atomic<bool> works_{true};
    worker::TimedThread thread_;
};

}  // namespace confab::store
