// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/webhook_writer.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "runtime/telemetry/log.h"

namespace confab::store {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kTryAgain{1};
constexpr std::chrono::seconds kPruneInterval{60};
constexpr std::chrono::seconds kReportInterval{10};

UnixTime wall() {
    return UnixTime::micros(std::chrono::duration_cast<std::chrono::microseconds>(
                                std::chrono::system_clock::now().time_since_epoch())
                                .count());
}

std::size_t size_of(const api::OutboxWrite& write) {
    const auto* event = std::get_if<api::OutboxEvent>(&write);
    return event == nullptr ? 0 : event->body.size();
}

bool is_pending_mark(const api::OutboxWrite& write) {
    const auto* mark = std::get_if<api::OutboxMark>(&write);
    return mark != nullptr && mark->state == api::OutboxState::kPending;
}

}  // namespace

WebhookWriter::WebhookWriter(std::unique_ptr<WebhookFile> file, Hooks hooks)
    : file_(std::move(file)), hooks_(std::move(hooks)) {
    publish(true);
    thread_.start([this] {
        pthread_setname_np(pthread_self(), "webhook-store");
        run();
    });
}

WebhookWriter::~WebhookWriter() {
    end();
    thread_.join();
}

void WebhookWriter::end() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_one();
}

bool WebhookWriter::ended_by(Clock::time_point deadline) {
    return thread_.join_until(deadline);
}

void WebhookWriter::write(api::OutboxWrite write) {
    const std::size_t size = size_of(write);
    {
        const std::lock_guard lock(mutex_);
        if (is_pending_mark(write) && waiting_ >= kMaxWaitingForMark) return;
        if (waiting_ >= kMaxWaiting || waiting_bytes_ + size > kMaxWaitingBytes) {
            lose(write);
        } else {
            ++waiting_;
            waiting_bytes_ += size;
            orders_.emplace_back(std::move(write));
        }
    }
    changed_.notify_one();
}

void WebhookWriter::lose(const api::OutboxWrite& write) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    const auto* event = std::get_if<api::OutboxEvent>(&write);
    if (event == nullptr) return;
    // Those in a row are one order: there are no more of these than of others.
    auto* const last = orders_.empty() ? nullptr : std::get_if<Lost>(&orders_.back());
    if (last != nullptr)
        last->through = std::max(last->through, event->number);
    else
        orders_.emplace_back(Lost{event->number});
}

void WebhookWriter::ask(Query query) {
    std::unique_lock lock(mutex_);
    if (queries_.size() >= kMaxQueries) {
        lock.unlock();
        return query.reply(confab::fail(std::string("too many ask at once")));
    }
    queries_.push_back(std::move(query));
    lock.unlock();
    changed_.notify_one();
}

void WebhookWriter::list(WebhookQuery query, PageReply reply) {
    ask({std::move(query), std::move(reply), false});
}

void WebhookWriter::replay(WebhookQuery query, PageReply reply) {
    ask({std::move(query), std::move(reply), true});
}

WebhookWriterFigures WebhookWriter::figures() const {
    return {events_.load(std::memory_order_relaxed), bytes_.load(std::memory_order_relaxed),
            failed_.load(std::memory_order_relaxed), dropped_.load(std::memory_order_relaxed),
            works_.load(std::memory_order_relaxed)};
}

void WebhookWriter::publish(bool works) {
    events_.store(file_->events(), std::memory_order_relaxed);
    bytes_.store(file_->bytes(), std::memory_order_relaxed);
    works_.store(works, std::memory_order_relaxed);
}

bool WebhookWriter::wait(std::deque<Order>& orders, std::optional<Query>& query) {
    std::unique_lock lock(mutex_);
    const bool tries_again = !batch_.empty() || anew_is_due_;
    changed_.wait_for(lock, tries_again ? kTryAgain : kPruneInterval,
                      [this] { return ends_ || !orders_.empty() || !queries_.empty(); });
    orders = std::exchange(orders_, {});
    query.reset();
    if (!queries_.empty()) {
        query = std::move(queries_.front());
        queries_.pop_front();
    }
    return !ends_ || !orders.empty() || query;
}

void WebhookWriter::run() {
    std::deque<Order> orders;
    std::optional<Query> query;
    while (wait(orders, query)) {
        carry_out(orders);
        // What was ordered before the question was asked is written.
        if (query) answer(*std::move(query));
        if (Clock::now() < next_prune_) continue;
        next_prune_ = Clock::now() + kPruneInterval;
        if (const auto pruned = file_->prune(wall()); !pruned) fail(pruned.error());
        publish(works_.load(std::memory_order_relaxed));
    }
    next_try_ = {};  // the last attempt
    if (!batch_.empty()) commit();
}

void WebhookWriter::carry_out(std::deque<Order>& orders) {
    if (orders.empty() && anew_is_due_ && batch_.empty()) return commit();
    for (; !orders.empty(); orders.pop_front()) {
        if (const auto* lost = std::get_if<Lost>(&orders.front())) {
            if (!batch_.empty()) commit();
            seen_ = std::max(seen_, lost->through);
            tell(false);
            continue;
        }
        auto& write = std::get<api::OutboxWrite>(orders.front());
        if (const auto* event = std::get_if<api::OutboxEvent>(&write))
            seen_ = std::max(seen_, event->number);
        batch_.push_back(std::move(write));
        if (batch_.size() % kMaxBatch == 0) commit();
    }
    if (!batch_.empty()) commit();
}

void WebhookWriter::commit() {
    // A disk that is full is not asked with every event.
    if (Clock::now() < next_try_) return tell(false);
    if (anew_is_due_ && !begin_anew()) return tell(false);
    auto written = file_->write(batch_, wall());
    if (!written) {
        fail(written.error());
        if (written.error().damaged && !anew_is_due_) written = file_->write(batch_, wall());
    }
    publish(written.has_value());
    if (!written) {
        next_try_ = Clock::now() + kTryAgain;
        return tell(false);
    }
    next_try_ = {};
    {
        const std::lock_guard lock(mutex_);
        waiting_ -= batch_.size();
        for (const api::OutboxWrite& one : batch_)
            waiting_bytes_ -= size_of(one);
    }
    batch_.clear();
    tell(true);
}

bool WebhookWriter::begin_anew() {
    const auto anew = file_->begin_anew();
    anew_is_due_ = !anew.has_value();
    if (!anew) {
        next_try_ = Clock::now() + kTryAgain;
        publish(false);
        report("the outbox of the webhooks cannot be begun anew", anew.error());
        return false;
    }
    telemetry::log_error("the outbox of the webhooks was damaged: it is begun anew", {});
    if (hooks_.begun_anew) hooks_.post([this] { hooks_.begun_anew(); });
    return true;
}

void WebhookWriter::tell(bool kept) {
    if (seen_ == told_) return;
    told_ = seen_;
    hooks_.post([this, through = seen_, kept] { hooks_.stored(through, kept); });
}

void WebhookWriter::report(const char* what, const std::string& reason) {
    if (Clock::now() < next_report_) return;
    next_report_ = Clock::now() + kReportInterval;
    telemetry::log_error(what, {{"reason", reason}});
}

void WebhookWriter::fail(const WebhookFileError& error) {
    failed_.fetch_add(1, std::memory_order_relaxed);
    report("webhooks are kept in memory only", error.text);
    if (error.damaged) (void)begin_anew();
}

void WebhookWriter::answer(Query query) {
    auto page = query.replays ? file_->replay(query.query) : file_->list(query.query);
    hooks_.post([reply = std::move(query.reply), page = std::move(page)]() mutable {
        reply(std::move(page));
    });
}

}  // namespace confab::store
