// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The thread that has the file of the webhooks' outbox, so that no other thread waits for the disk.
// What comes in while one write is under way is the next write, committed (and synced) as one. What
// a failed write had is tried again, each second and with each new write; until then the events
// live in memory only, and their senders are told so. Between two writes one question is answered.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/callback.h"
#include "runtime/store/webhook_file.h"
#include "runtime/worker/timed_thread.h"

namespace confab::store {

struct WebhookWriterFigures {
    std::uint64_t events = 0;   // in the file
    std::uint64_t bytes = 0;    // of their bodies
    std::uint64_t failed = 0;   // writes
    std::uint64_t dropped = 0;  // what the file will never have: too much waited for it
    bool works = true;          // the last write
};

class WebhookWriter {
  public:
    // Writes that wait for the disk, and their bodies: further ones are dropped, and counted.
    static constexpr std::size_t kMaxWaiting = 131'072;
    // Of these at most so many when a pending mark comes: it is the first to be dropped, since only
    // the number of attempts is lost with it.
    static constexpr std::size_t kMaxWaitingForMark = kMaxWaiting / 2;
    static constexpr std::size_t kMaxWaitingBytes = 64 * 1024 * 1024;
    static constexpr std::size_t kMaxQueries = 64;  // beyond: refused
    static constexpr std::size_t kMaxBatch = 4096;

    using PageReply = Callback<Result<WebhookPage, std::string>>;
    struct Hooks {
        std::function<void(Callback<>)> post;  // to the thread of the owner
        // There: the file has answered about all events up to this number.
        std::function<void(std::uint64_t through, bool kept)> stored;
        // There: the file was damaged, and the new one has nothing yet.
        std::function<void()> begun_anew;
    };

    WebhookWriter(std::unique_ptr<WebhookFile> file, Hooks hooks);
    ~WebhookWriter();  // end(), and waits for it
    WebhookWriter(const WebhookWriter&) = delete;
    WebhookWriter& operator=(const WebhookWriter&) = delete;

    // Of one thread, in this order; replies come there by `post`.
    void write(api::OutboxWrite write);
    void list(WebhookQuery query, PageReply reply);
    void replay(WebhookQuery query, PageReply reply);
    WebhookWriterFigures figures() const;

    // What waits is written first.
    void end();
    bool ended_by(std::chrono::steady_clock::time_point deadline);

  private:
    struct Query {
        WebhookQuery query;
        PageReply reply;
        bool replays = false;
    };
    // Events that had no place, the last one's number: they are told to be not kept in their turn.
    struct Lost {
        std::uint64_t through = 0;
    };
    using Order = std::variant<api::OutboxWrite, Lost>;
    void lose(const api::OutboxWrite& write);  // under mutex_
    void ask(Query query);
    void run();
    // Takes all orders, and the question that has waited longest. False: end.
    bool wait(std::deque<Order>& orders, std::optional<Query>& query);
    void carry_out(std::deque<Order>& orders);
    void commit();
    bool begin_anew();
    void answer(Query query);
    void tell(bool kept);
    void fail(const WebhookFileError& error);
    void report(const char* what, const std::string& reason);
    void publish(bool works);

    std::unique_ptr<WebhookFile> file_;  // of the thread
    Hooks hooks_;
    std::vector<api::OutboxWrite> batch_;  // of the thread, with what could not be written before
    std::uint64_t told_ = 0;               // of the thread: what `stored` was called with
    std::uint64_t seen_ = 0;               // of the thread: the highest number of an event
    bool anew_is_due_ = false;  // of the thread: the file is damaged, and there is no other
    std::chrono::steady_clock::time_point next_try_;  // after a write that failed
    std::chrono::steady_clock::time_point next_prune_;
    std::chrono::steady_clock::time_point next_report_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Order> orders_;
    std::deque<Query> queries_;
    std::size_t waiting_ = 0;  // writes among the orders, and what is at hand
    std::size_t waiting_bytes_ = 0;
    bool ends_ = false;

    std::atomic<std::uint64_t> events_{0};
    std::atomic<std::uint64_t> bytes_{0};
    std::atomic<std::uint64_t> failed_{0};
    std::atomic<std::uint64_t> dropped_{0};
    std::atomic<bool> works_{true};
    worker::TimedThread thread_;
};

}  // namespace confab::store
