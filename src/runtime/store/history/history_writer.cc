// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/history/history_writer.h"

#include <pthread.h>

#include <string_view>
#include <utility>

#include "runtime/telemetry/log.h"

namespace confab::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kReportInterval{60};
constexpr std::string_view kEnds = "the server ends: ask again when it is back";

UnixTime wall() {
    return UnixTime::micros(std::chrono::duration_cast<std::chrono::microseconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count());
}

}  // namespace

HistoryWriter::HistoryWriter(std::unique_ptr<HistoryFile> file, HistoryLimits limits,
                             std::function<void(Callback<>)> post)
    : file_(std::move(file)), post_(std::move(post)), limits_(limits) {
    thread_.start([this] {
        pthread_setname_np(pthread_self(), "history-store");
        run();
    });
}

HistoryWriter::~HistoryWriter() {
    end();
    thread_.join();
}

void HistoryWriter::end() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_one();
}

bool HistoryWriter::ended_by(Clock::time_point deadline) {
    return thread_.join_until(deadline);
}

HistoryWriter::Figures HistoryWriter::figures() const {
    return {dropped_.load(std::memory_order_relaxed), works_.load(std::memory_order_relaxed)};
}

void HistoryWriter::write(console::HistoryWrite write) {
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        if (writes_.size() >= kMaxWaiting) {
            dropped_.fetch_add(1, std::memory_order_relaxed);
            return;
        }
        first = writes_.empty();
        writes_.push_back(std::move(write));
    }
    if (first) changed_.notify_one();
}

void HistoryWriter::set_limits(const HistoryLimits& limits) {
    {
        const std::lock_guard lock(mutex_);
        if (limits_ == limits) return;
        limits_ = limits;
        prune_now_ = true;
    }
    changed_.notify_one();
}

template <typename T, typename Ask>
void HistoryWriter::ask(Ask&& question, Reply<T> reply) {
    {
        const std::lock_guard lock(mutex_);
        if (!ends_ && questions_.size() < kMaxQuestions) {
            questions_.push_back(Question([this, question = std::forward<Ask>(question),
                                           reply = std::move(reply)](HistoryFile* file) mutable {
                Result<T, std::string> answer = confab::fail(std::string(kEnds));
                if (file != nullptr) {
                    auto found = question(*file);
                    if (!found) fail(found.error());
                    if (found)
                        answer = *std::move(found);
                    else
                        answer = tl::make_unexpected(std::move(found.error().text));
                }
                post_([reply = std::move(reply), answer = std::move(answer)]() mutable {
                    reply(std::move(answer));
                });
            }));
            changed_.notify_one();
            return;
        }
    }
    reply(confab::fail(
        std::string(is_ending() ? kEnds : "too many ask for the history at once; ask again")));
}

void HistoryWriter::minutes(const console::Range& range,
                            Reply<std::vector<console::Minute>> reply) {
    ask<std::vector<console::Minute>>([range](HistoryFile& file) { return file.minutes(range); },
                                      std::move(reply));
}

void HistoryWriter::sessions(console::SessionsQuery query, Reply<console::SessionPage> reply) {
    ask<console::SessionPage>(
        [query = std::move(query)](HistoryFile& file) { return file.sessions(query); },
        std::move(reply));
}

void HistoryWriter::events(console::EventsQuery query, Reply<std::vector<console::Event>> reply) {
    ask<std::vector<console::Event>>(
        [query = std::move(query)](HistoryFile& file) { return file.events(query); },
        std::move(reply));
}

bool HistoryWriter::wait(std::vector<console::HistoryWrite>& batch,
                         std::deque<Question>& questions) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, kPruneInterval, [this] {
        return ends_ || prune_now_ || !writes_.empty() || !questions_.empty();
    });
    // More may come; but who asks does not wait for it.
    if (!writes_.empty())
        changed_.wait_for(lock, kGather, [this] { return ends_ || !questions_.empty(); });
    batch = std::exchange(writes_, {});
    questions = std::exchange(questions_, {});
    if (std::exchange(prune_now_, false)) next_prune_ = {};
    return !ends_ || !batch.empty() || !questions.empty();
}

void HistoryWriter::run() {
    if (const auto ended = file_->end_open_sessions(); !ended) fail(ended.error());
    std::vector<console::HistoryWrite> batch;
    std::deque<Question> questions;
    while (wait(batch, questions)) {
        const bool grows = !batch.empty();
        if (grows) commit(batch);
        for (Question& question : questions)
            question(is_ending() ? nullptr : file_.get());
        questions.clear();
        // Much may come between two prunes: what is too much goes at once.
        if (Clock::now() >= next_prune_ || (grows && file_->is_over(limits()))) prune();
    }
}

void HistoryWriter::commit(const std::vector<console::HistoryWrite>& batch) {
    auto written = file_->write(batch);
    if (!written) {
        fail(written.error());
        if (written.error().damaged) written = file_->write(batch);
    }
    works_.store(written.has_value(), std::memory_order_relaxed);
    if (!written) dropped_.fetch_add(batch.size(), std::memory_order_relaxed);
}

void HistoryWriter::prune() {
    next_prune_ = Clock::now() + kPruneInterval;
    if (const auto pruned = file_->prune(wall(), limits()); !pruned) fail(pruned.error());
}

bool HistoryWriter::is_ending() {
    const std::lock_guard lock(mutex_);
    return ends_;
}

HistoryLimits HistoryWriter::limits() {
    const std::lock_guard lock(mutex_);
    return limits_;
}

void HistoryWriter::fail(const HistoryError& error) {
    const bool tells = Clock::now() >= next_report_;
    if (tells) {
        next_report_ = Clock::now() + kReportInterval;
        telemetry::log_error("the history of the console cannot be kept", {{"reason", error.text}});
    }
    if (!error.damaged) return;
    if (const auto anew = file_->begin_anew(); anew)
        telemetry::log_error("the history of the console was damaged and is begun anew", {});
    else if (tells)
        telemetry::log_error("the history of the console cannot be begun anew",
                             {{"reason", anew.error()}});
}

}  // namespace confab::store
