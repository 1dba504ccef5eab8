// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A queue is in exactly one of ready (of its target: to be polled), running_ (request out),
// waiting_ (retry).
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
        if (const auto length = add(now, url, api_key, event, body)) lengths.push_back(*length);
    };
    if (wanted)
        for (const std::string& url : options_.urls)
            add_to(url, options_.api_key);
    if (extra == nullptr || extra->url().empty()) return lengths;
    const auto& params = extra->filter_params();
    const WebhookFilter filter{{params.include_events().begin(), params.include_events().end()},
                               {params.exclude_events().begin(), params.exclude_events().end()}};
    if (filter.passes(event.event())) add_to(extra->url(), extra->signing_key());
    return lengths;
}

std::optional<std::size_t> WebhookQueue::add(Timestamp now, const std::string& url,
                                             const std::string& api_key,
                                             const livekit::WebhookEvent& event,
                                             const std::string& body) {
    if (!keys_.find_secret(api_key)) {
        lose(event.event(), stats_.dropped_unsigned);
        return std::nullopt;
    }
    QueueId id{url, webhook_key(event)};
    auto found = queues_.find(id);
    const bool is_new = found == queues_.end();
    if (bytes_ + body.size() > kMaxWebhookBytes ||
        (is_new ? queues_.size() >= kMaxWebhookQueues
                : found->second.items.size() >= options_.max_depth)) {
        lose(event.event(), stats_.dropped_full);
        return std::nullopt;
    }
    if (is_new) found = queues_.try_emplace(id).first;
    bytes_ += body.size();
    found->second.items.push_back({now, event.event(), body, api_key, {}, {}});
    if (is_new) make_ready(id);
    return found->second.items.size();
}

void WebhookQueue::make_ready(const QueueId& id) {
    targets_[id.first].ready.push_back(id);
}

void WebhookQueue::lose(std::string_view event, std::uint64_t& counter) {
    ++counter;
    ++lost_[std::string(event)];
}

void WebhookQueue::pop_front(Queue& queue, std::size_t& bytes) {
    bytes -= queue.items.front().body.size();
    queue.items.pop_front();
}

void WebhookQueue::give_up() {
    for (const auto& [id, queue] : queues_)
        for (const Item& item : queue.items)
            lose(item.event, stats_.dropped_at_end);
    queues_.clear();
    targets_.clear();
    running_.clear();
    waiting_.clear();
    bytes_ = 0;
}

bool WebhookQueue::sign(Item& item, Timestamp now, UnixTime wall) const {
    // HOOK-06: retries carry the same token, as long as a receiver would still take it.
    if (!item.authorization.empty() && now - item.signed_at <= kMaxWebhookRetryAfter) return true;
    auto secret = keys_.find_secret(item.api_key);
    if (!secret) return false;
    item.authorization = webhook_authorization(item.body, {item.api_key, *std::move(secret)}, wall);
    item.signed_at = now;
    return true;
}

void WebhookQueue::drop_unsendable(Timestamp now, UnixTime wall, Queue& queue) {
    if (queue.attempts == 0) drop_old(now, queue);
    while (!queue.items.empty() && !sign(queue.items.front(), now, wall)) {
        lose(queue.items.front().event, stats_.dropped_unsigned);
        pop_front(queue, bytes_);
        queue.attempts = 0;
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
        if (!queue->second.items.empty()) {
            ++of_url.running;
            return id;
        }
        queues_.erase(queue);
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
                           item.body,
                           item.event};
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
    if (is_delivered(status)) {
        ++stats_.delivered;
        finish_front(now, *id);
    } else if (is_final(status)) {
        lose(queues_.at(*id).items.front().event, stats_.failed);
        finish_front(now, *id);
    } else {
        (void)retry_front(now, *id, status == 429 ? retry_after : std::nullopt);
    }
}

void WebhookQueue::handle_failure(Timestamp now, std::uint64_t request) {
    const auto id = take_running(request);
    if (id && !retry_front(now, *id, std::nullopt)) ++stats_.failed_unreachable;
}

bool WebhookQueue::retry_front(Timestamp now, const QueueId& id, std::optional<Duration> wait) {
    const int attempts = queues_.at(id).attempts;
    if (attempts > kMaxWebhookRetries) {
        lose(queues_.at(id).items.front().event, stats_.failed);
        finish_front(now, id);
        return false;
    }
    ++stats_.retries;
    const Duration delay =
        wait ? std::clamp(*wait, Duration::zero(), kMaxWebhookRetryAfter) : backoff(attempts);
    waiting_.emplace(now + delay, id);
    return true;
}

void WebhookQueue::finish_front(Timestamp now, const QueueId& id) {
    Queue& queue = queues_.at(id);
    pop_front(queue, bytes_);
    queue.attempts = 0;
    start_front(now, id);
}

void WebhookQueue::drop_old(Timestamp now, Queue& queue) {
    while (!queue.items.empty() && now - queue.items.front().queued > options_.max_age) {
        lose(queue.items.front().event, stats_.dropped_old);
        pop_front(queue, bytes_);
    }
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
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
        make_ready(waiting_.begin()->second);
        waiting_.erase(waiting_.begin());
    }
}

Timestamp WebhookQueue::next_deadline() const {
    return waiting_.empty() ? Timestamp::never() : waiting_.begin()->first;
}

std::optional<Duration> parse_retry_after(std::string_view header) {
    const auto seconds = parse_decimal<std::int64_t>(trim(header));
    if (!seconds || *seconds < 0) return std::nullopt;
    return Duration::seconds(std::min(*seconds, std::int64_t{86'400}));
}

}  // namespace confab::api
