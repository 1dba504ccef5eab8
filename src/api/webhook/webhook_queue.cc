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
    if (!options.api_key.empty() && keys.find_secret(options.api_key) != nullptr) return {};
    return tl::unexpected<std::string>("api_key is required to use webhooks");
}

WebhookQueue::WebhookQueue(WebhookOptions options, const token::KeyProvider& keys)
    : options_(std::move(options)), keys_(keys) {}

std::vector<std::size_t> WebhookQueue::enqueue(Timestamp now, UnixTime wall,
                                               const livekit::WebhookEvent& event,
                                               const livekit::WebhookConfig* extra) {
    std::vector<std::size_t> lengths;
    const bool wanted = !options_.urls.empty() && options_.filter.passes(event.event());
    if (!wanted && extra == nullptr) return lengths;
    const std::string body = webhook_body(event);
    const auto add_to = [&](const std::string& url, const std::string& api_key) {
        if (const auto length = add(now, wall, url, api_key, event, body))
            lengths.push_back(*length);
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

std::optional<std::size_t> WebhookQueue::add(Timestamp now, UnixTime wall, const std::string& url,
                                             const std::string& api_key,
                                             const livekit::WebhookEvent& event,
                                             const std::string& body) {
    const std::string* secret = keys_.find_secret(api_key);
    if (secret == nullptr) {
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
    found->second.items.push_back(
        {now, event.event(), body, webhook_authorization(body, {api_key, *secret}, wall)});
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

std::optional<WebhookRequest> WebhookQueue::poll_request() {
    if (running_.size() >= kMaxWebhookRequests) return std::nullopt;
    const auto target = std::find_if(targets_.begin(), targets_.end(), [](const auto& entry) {
        return !entry.second.ready.empty() && entry.second.running < kMaxWebhookRequestsPerUrl;
    });
    if (target == targets_.end()) return std::nullopt;
    QueueId id = std::move(target->second.ready.front());
    target->second.ready.pop_front();
    ++target->second.running;
    Queue& queue = queues_.at(id);
    ++queue.attempts;
    const Item& item = queue.items.front();
    WebhookRequest request{next_request_++,
                           id.first,
                           {{"Content-Type", "application/webhook+json"},
                            {"Authorization", item.authorization},
                            {"User-Agent", "LiveKit"}},
                           item.body};
    running_.emplace(request.id, std::move(id));
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

void WebhookQueue::start_front(Timestamp now, const QueueId& id) {
    const auto found = queues_.find(id);
    const std::deque<Item>& items = found->second.items;
    while (!items.empty() && now - items.front().queued > options_.max_age) {
        lose(items.front().event, stats_.dropped_old);
        pop_front(found->second, bytes_);
    }
    if (items.empty())
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
