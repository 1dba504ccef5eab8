// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A queue is in exactly one of ready (of its target: to be polled), running_ (request out),
// waiting_ (retry), unanswered_ (its front is being written).
#include "api/webhook/webhook_queue.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace confab::api {
namespace {

bool is_delivered(int status) {
    return status < 500 && status != 429;
}
bool is_final(int status) {
    return status == 501;
}

Duration backoff(int attempts) {
    const Duration wait = kWebhookFirstWait * (std::int64_t{1} << std::min(attempts - 1, 10));
    return std::min(wait, kWebhookLongestWait);
}

}  // namespace

Result<void, std::string> check_webhook_options(const WebhookOptions& options,
                                                const token::KeyProvider& keys) {
    if (options.urls.empty()) return {};
    if (!options.api_key.empty() && keys.find_secret(options.api_key)) return {};
    return tl::unexpected<std::string>("api_key is required to use webhooks");
}

WebhookQueue::WebhookQueue(WebhookOptions options, const token::KeyProvider& keys)
    : options_(std::move(options)), keys_(keys) {}

std::vector<std::size_t> WebhookQueue::enqueue(Timestamp now, const livekit::WebhookEvent& event,
                                               const livekit::WebhookConfig* extra) {
    std::vector<std::size_t> lengths;
    const bool wanted = !options_.urls.empty() && options_.filter.passes(event.event());
    if (!wanted && extra == nullptr) return lengths;
    const std::string body = webhook_body(event);
    const auto add_to = [&](const std::string& url, const std::string& api_key) {
        const auto length =
            add(now, {0, 0, url, webhook_key(event), api_key, event.id(), event.event(), body, {}});
        if (length) lengths.push_back(*length);
    };
    if (wanted)
        for (const std::string& url : options_.urls)
            add_to(url, {});
    if (extra == nullptr || extra->url().empty()) return lengths;
    const auto& params = extra->filter_params();
    const WebhookFilter filter{{params.include_events().begin(), params.include_events().end()},
                               {params.exclude_events().begin(), params.exclude_events().end()}};
    if (!filter.passes(event.event())) return lengths;
    if (extra->signing_key().empty())
        lose(event.event(), stats_.dropped_unsigned);
    else
        add_to(extra->url(), extra->signing_key());
    return lengths;
}

std::optional<std::size_t> WebhookQueue::add(Timestamp now, OutboxEvent event) {
    // What is dropped uses up its number: the receiver sees a gap.
    if (outbox_) event.sequence = outbox_->take_sequence(event.url);
    if (!keys_.find_secret(signer(event))) {
        lose(event.event, stats_.dropped_unsigned);
        return std::nullopt;
    }
    const auto found = queues_.find({event.url, event.key});
    if (!has_room(found == queues_.end() ? nullptr : &found->second, event.body.size())) {
        lose(event.event, stats_.dropped_full);
        return std::nullopt;
    }
    if (outbox_) outbox_->add(now, event);
    return append(now, std::move(event));
}

bool WebhookQueue::has_room(const Queue* queue, std::size_t bytes) const {
    if (bytes_ + bytes > kMaxWebhookBytes) return false;
    if (outbox_) return waiting_items_ < kMaxOutboxWaiting;
    return queue == nullptr ? queues_.size() < kMaxWebhookQueues
                            : queue->items.size() < options_.max_depth;
}

std::size_t WebhookQueue::append(Timestamp queued, OutboxEvent event) {
    const QueueId id{event.url, event.key};
    const auto [found, is_new] = queues_.try_emplace(id);
    bytes_ += event.body.size();
    ++waiting_items_;
    found->second.items.push_back({queued, std::move(event), {}, {}});
    if (is_new) make_ready(id);
    return found->second.items.size();
}

bool WebhookQueue::is_wanted(const OutboxEvent& event) const {
    return !event.api_key.empty() ||
           std::find(options_.urls.begin(), options_.urls.end(), event.url) != options_.urls.end();
}

bool WebhookQueue::take_back(Timestamp queued, OutboxEvent event) {
    if (!is_wanted(event))
        lose(event.event, stats_.dropped_unwanted);
    else if (!has_room(nullptr, event.body.size()))
        lose(event.event, stats_.dropped_full);
    else
        return append(queued, std::move(event)) > 0;
    mark(event, OutboxState::kGivenUp, {});
    return false;
}

void WebhookQueue::restore(Timestamp now, UnixTime wall, OutboxContents contents) {
    const std::vector<OutboxEvent> waiting = std::move(contents.waiting);
    outbox_.emplace(std::move(contents));
    for (const OutboxEvent& event : waiting)
        (void)take_back(now - std::max(Duration::zero(), wall - event.created), event);
}

std::size_t WebhookQueue::replay(Timestamp now, std::vector<OutboxEvent> events) {
    return static_cast<std::size_t>(std::count_if(
        events.begin(), events.end(),
        [this, now](OutboxEvent& event) { return take_back(now, std::move(event)); }));
}

void WebhookQueue::handle_stored(std::uint64_t through, bool kept) {
    if (!outbox_) return;
    outbox_->handle_stored(through, kept);
    release_answered();
}

void WebhookQueue::release_answered() {
    while (!unanswered_.empty() && outbox_->is_answered(unanswered_.begin()->first)) {
        const QueueId id = std::move(unanswered_.begin()->second);
        unanswered_.erase(unanswered_.begin());
        make_ready(id);
    }
}

void WebhookQueue::make_ready(const QueueId& id) {
    const Item& front = queues_.at(id).items.front();
    if (is_answered(front))
        targets_[id.first].ready.push_back(id);
    else
        unanswered_.emplace(front.event.number, id);
}

void WebhookQueue::lose(std::string_view event, std::uint64_t& counter) {
    ++counter;
    ++lost_[std::string(event)];
}

void WebhookQueue::mark(const OutboxEvent& event, OutboxState state, const Queue& queue) {
    if (outbox_ && event.number > 0)
        outbox_->mark({event.number, state, queue.attempts, queue.status});
}

void WebhookQueue::pop_front(Queue& queue, OutboxState state) {
    const OutboxEvent& event = queue.items.front().event;
    mark(event, state, queue);
    bytes_ -= event.body.size();
    --waiting_items_;
    queue.items.pop_front();
    queue.attempts = queue.status = queue.refusals = 0;
}

void WebhookQueue::lose_front(Queue& queue, std::uint64_t& counter) {
    lose(queue.items.front().event.event, counter);
    pop_front(queue, OutboxState::kGivenUp);
}

std::size_t WebhookQueue::give_up() {
    std::size_t kept = 0;
    for (const auto& [id, queue] : queues_)
        for (const Item& item : queue.items)
            if (outbox_ && outbox_->is_kept(item.event.number))
                ++kept;
            else
                lose(item.event.event, stats_.dropped_at_end);
    queues_.clear();
    targets_.clear();
    running_.clear();
    waiting_.clear();
    unanswered_.clear();
    bytes_ = waiting_items_ = 0;
    return kept;
}

Duration WebhookQueue::oldest(Timestamp now) const {
    Timestamp first = now;
    for (const auto& [id, queue] : queues_)
        first = earlier(first, queue.items.front().queued);
    return now - first;
}

bool WebhookQueue::sign(Item& item, Timestamp now, UnixTime wall) const {
    // HOOK-06: retries carry the same token, as long as a receiver would still take it.
    if (!item.authorization.empty() && now - item.signed_at <= kMaxWebhookRetryAfter) return true;
    const std::string& key = signer(item.event);
    auto secret = keys_.find_secret(key);
    if (!secret) return false;
    item.authorization = webhook_authorization(item.event.body, {key, *std::move(secret)}, wall);
    item.signed_at = now;
    return true;
}

void WebhookQueue::drop_unsendable(Timestamp now, UnixTime wall, Queue& queue) {
    if (queue.attempts == 0) drop_old(now, queue);
    while (!queue.items.empty() && is_answered(queue.items.front()) &&
           !sign(queue.items.front(), now, wall)) {
        lose_front(queue, stats_.dropped_unsigned);
        drop_old(now, queue);
    }
}

std::optional<WebhookQueue::QueueId> WebhookQueue::take_ready(Timestamp now, UnixTime wall) {
    auto target = targets_.begin();
    while (target != targets_.end()) {
        Target& of_url = target->second;
        if (of_url.ready.empty() || of_url.running >= kMaxWebhookRequestsPerUrl) {
            ++target;
            continue;
        }
        QueueId id = std::move(of_url.ready.front());
        of_url.ready.pop_front();
        const auto queue = queues_.find(id);
        drop_unsendable(now, wall, queue->second);
        if (queue->second.items.empty()) {
            queues_.erase(queue);
        } else if (is_answered(queue->second.items.front())) {
            ++of_url.running;
            return id;
        } else {
            make_ready(id);
        }
        if (of_url.ready.empty() && of_url.running == 0) target = targets_.erase(target);
    }
    return std::nullopt;
}

std::optional<WebhookRequest> WebhookQueue::poll_request(Timestamp now, UnixTime wall) {
    if (running_.size() >= kMaxWebhookRequests) return std::nullopt;
    std::optional<QueueId> id = take_ready(now, wall);
    if (!id) return std::nullopt;
    Queue& queue = queues_.at(*id);
    ++queue.attempts;
    const Item& item = queue.items.front();
    WebhookRequest request{next_request_++,
                           id->first,
                           {{"Content-Type", "application/webhook+json"},
                            {"Authorization", item.authorization},
                            {"User-Agent", "LiveKit"}},
                           item.event.body,
                           item.event.event};
    if (outbox_ && item.event.sequence > 0 && outbox_->is_kept(item.event.number)) {
        request.headers.push_back({"X-Confab-Sequence", std::to_string(item.event.sequence)});
        request.headers.push_back({"X-Confab-Outbox", outbox_->id()});
    }
    running_.emplace(request.id, *std::move(id));
    return request;
}

std::optional<WebhookQueue::QueueId> WebhookQueue::take_running(std::uint64_t request) {
    const auto found = running_.find(request);
    if (found == running_.end()) return std::nullopt;
    QueueId id = std::move(found->second);
    running_.erase(found);
    const auto target = targets_.find(id.first);
    if (--target->second.running == 0 && target->second.ready.empty()) targets_.erase(target);
    return id;
}

void WebhookQueue::handle_response(Timestamp now, std::uint64_t request, int status,
                                   std::optional<Duration> retry_after) {
    const auto id = take_running(request);
    if (!id) return;
    Queue& queue = queues_.at(*id);
    queue.status = status;
    if (is_delivered(status)) {
        ++stats_.delivered;
        if (queue.items.front().event.api_key.empty()) taken_[id->first] = now;
        finish_front(now, *id, OutboxState::kDelivered);
    } else if (is_final(status)) {
        lose(queue.items.front().event.event, stats_.failed);
        finish_front(now, *id, OutboxState::kGivenUp);
    } else {
        (void)retry_front(now, *id, status == 429 ? retry_after : std::nullopt);
    }
}

void WebhookQueue::handle_failure(Timestamp now, std::uint64_t request) {
    const auto id = take_running(request);
    if (!id) return;
    queues_.at(*id).status = 0;
    if (!retry_front(now, *id, std::nullopt)) ++stats_.failed_unreachable;
}

bool WebhookQueue::fails_for_good(Timestamp now, const std::string& url, Queue& queue) const {
    if (!outbox_) return queue.attempts > kMaxWebhookRetries;
    // An event that its receiver cannot take must not keep all later ones of its key.
    const auto taken = taken_.find(url);
    if (queue.attempts > 1 && taken != taken_.end() && taken->second > queue.failed)
        ++queue.refusals;
    queue.failed = now;
    return queue.refusals >= kMaxOutboxRefusals ||
           now - queue.items.front().queued > options_.retention;
}

bool WebhookQueue::retry_front(Timestamp now, const QueueId& id, std::optional<Duration> wait) {
    Queue& queue = queues_.at(id);
    const int attempts = queue.attempts;
    if (fails_for_good(now, id.first, queue)) {
        lose(queue.items.front().event.event, stats_.failed);
        finish_front(now, id, OutboxState::kGivenUp);
        return false;
    }
    mark(queue.items.front().event, OutboxState::kPending, queue);
    ++stats_.retries;
    const Duration delay =
        wait ? std::clamp(*wait, Duration::zero(), kMaxWebhookRetryAfter) : backoff(attempts);
    waiting_.emplace(now + delay, id);
    return true;
}

void WebhookQueue::finish_front(Timestamp now, const QueueId& id, OutboxState state) {
    pop_front(queues_.at(id), state);
    start_front(now, id);
}

void WebhookQueue::drop_old(Timestamp now, Queue& queue) {
    while (!queue.items.empty() && now - queue.items.front().queued > max_age())
        lose_front(queue, stats_.dropped_old);
}

void WebhookQueue::start_front(Timestamp now, const QueueId& id) {
    const auto found = queues_.find(id);
    drop_old(now, found->second);
    if (found->second.items.empty())
        queues_.erase(found);
    else
        make_ready(id);
}

void WebhookQueue::handle_timeout(Timestamp now) {
    if (outbox_) {
        outbox_->handle_timeout(now);
        release_answered();
    }
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
        make_ready(waiting_.begin()->second);
        waiting_.erase(waiting_.begin());
    }
}

Timestamp WebhookQueue::next_deadline() const {
    const Timestamp retry = waiting_.empty() ? Timestamp::never() : waiting_.begin()->first;
    return outbox_ ? earlier(retry, outbox_->next_deadline()) : retry;
}

std::optional<Duration> parse_retry_after(std::string_view header) {
    const auto seconds = parse_decimal<std::int64_t>(trim(header));
    if (!seconds || *seconds < 0) return std::nullopt;
    return Duration::seconds(std::min(*seconds, std::int64_t{86'400}));
}

}  // namespace confab::api
