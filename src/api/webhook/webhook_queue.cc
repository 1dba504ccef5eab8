// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A queue is in exactly one of ready (of its target: to be polled, once its receiver is back if it
// is away), running_ (request out), waiting_ (retry), unanswered_ (its front is being written).
#include "api/webhook/webhook_queue.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"
#include "token/room_key.h"

namespace confab::api {
namespace {

bool is_delivered(int status) {
    return status < 500 && status != 429;
}
bool is_final(int status) {
    return status == 501;
}

WebhookFilter filter_of(const livekit::WebhookConfig& target) {
    const auto& params = target.filter_params();
    return {{params.include_events().begin(), params.include_events().end()},
            {params.exclude_events().begin(), params.exclude_events().end()}};
}

std::string_view tenant_of(const OutboxEvent& event) {
    return token::split_room_key(event.key).tenant;
}
// Nothing if it is not known, or another tenant's: a tenant's key signs for the tenant's rooms
// alone, an operator's for all.
std::optional<token::KeyProvider::Key> signing_key(const token::KeyProvider& keys,
                                                   std::string_view name, std::string_view tenant) {
    auto key = keys.find_key(name);
    if (key && !key->tenant.empty() && key->tenant != tenant) return std::nullopt;
    return key;
}
// What a tenant's key is not told of is not lost.
bool is_told_of(const token::KeyProvider& keys, std::string_view name, std::string_view tenant) {
    return !keys.find_key(name) || signing_key(keys, name, tenant);
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
                                               std::string_view tenant) {
    std::vector<std::size_t> lengths;
    const bool wanted = !options_.urls.empty() && options_.filter.passes(event.event()) &&
                        is_told_of(keys_, options_.api_key, tenant);
    const auto& targets = webhook_targets(event);
    if (!wanted && targets.empty()) return lengths;
    const std::string body = webhook_body(event);
    const std::string key = token::room_key(tenant, webhook_key(event));
    const auto add_to = [&](const std::string& url, const std::string& api_key) {
        const auto length =
            add(now, {0, 0, url, key, api_key, event.id(), event.event(), body, {}});
        if (length) lengths.push_back(*length);
    };
    const auto add_target = [&](const livekit::WebhookConfig& target) {
        if (target.url().empty() || !filter_of(target).passes(event.event())) return;
        const bool has_key = !target.signing_key().empty();
        add_to(target.url(), has_key ? target.signing_key() : options_.api_key);
    };
    if (wanted)
        for (const std::string& url : options_.urls)
            add_to(url, {});
    const int told = std::min(targets.size(), kMaxWebhookTargets);
    std::for_each(targets.begin(), targets.begin() + told, add_target);
    if (told < targets.size())
        lose(event.event(), stats_.dropped_full, static_cast<std::uint64_t>(targets.size() - told));
    return lengths;
}

std::optional<std::size_t> WebhookQueue::add(Timestamp now, OutboxEvent event) {
    // What is dropped uses up its number: the receiver sees a gap.
    if (outbox_) event.sequence = outbox_->take_sequence(event.url);
    if (!signing_key(keys_, signer(event), tenant_of(event))) {
        lose(event.event, stats_.dropped_unsigned);
        return std::nullopt;
    }
    if (!make_room(now, event)) {
        lose(event.event, stats_.dropped_full);
        return std::nullopt;
    }
    if (outbox_) outbox_->add(now, event);
    return append(now, std::move(event));
}

std::size_t WebhookQueue::append(Timestamp queued, OutboxEvent event) {
    const QueueId id{event.url, event.key};
    const auto [found, is_new] = queues_.try_emplace(id);
    Queue& queue = found->second;
    const WebhookShares::Size before = queue.size();
    const auto bytes = static_cast<std::int64_t>(event.body.size());
    queue.items.push_back({queued, std::move(event), {}, {}});
    shares_.change(id.first, id.second, before, queue.size(), bytes);
    if (is_new) make_ready(id);
    return queue.items.size();
}

void WebhookQueue::make_ready(const QueueId& id) {
    const Item& front = queues_.at(id).items.front();
    if (is_answered(front))
        targets_[id.first].ready.push_back(id);
    else
        unanswered_.emplace(front.event.number, id);
}

void WebhookQueue::lose(std::string_view event, std::uint64_t& counter, std::uint64_t count) {
    if (count == 0) return;
    counter += count;
    lost_[std::string(event)] += count;
}

void WebhookQueue::erase(Timestamp now, Queue& queue, std::size_t index, OutboxState state) {
    const auto item = queue.items.begin() + static_cast<std::ptrdiff_t>(index);
    const OutboxEvent event = std::move(item->event);
    const WebhookShares::Size before = queue.size();
    if (outbox_)
        outbox_->mark(now, {event.number, state, index == 0 ? queue.attempts : 0,
                            index == 0 ? queue.status : 0});
    queue.items.erase(item);
    shares_.change(event.url, event.key, before, queue.size(),
                   -static_cast<std::int64_t>(event.body.size()));
    if (index == 0) queue.attempts = queue.status = queue.refusals = 0;
    if (shares_.queues(event.url) == 0) receivers_.handle_answer(event.url);
}

void WebhookQueue::lose_front(Timestamp now, Queue& queue, std::uint64_t& counter) {
    lose(queue.items.front().event.event, counter);
    erase(now, queue, 0, OutboxState::kGivenUp);
}

std::size_t WebhookQueue::give_up(bool store_works) {
    if (outbox_) outbox_->flush_marks();
    std::size_t kept = 0;
    for (const auto& [id, queue] : queues_)
        for (const Item& item : queue.items)
            if (outbox_ && (outbox_->is_kept(item.event.number) ||
                            (store_works && !outbox_->is_answered(item.event.number))))
                ++kept;
            else
                lose(item.event.event, stats_.dropped_at_end);
    queues_.clear();
    targets_.clear();
    running_.clear();
    waiting_.clear();
    unanswered_.clear();
    shares_.clear();
    receivers_.clear();
    return kept;
}

Duration WebhookQueue::oldest(Timestamp now) const {
    Timestamp first = now;
    for (const auto& [id, queue] : queues_)
        if (!queue.items.empty()) first = earlier(first, queue.items.front().queued);
    return now - first;
}

bool WebhookQueue::sign(Item& item, Timestamp now, UnixTime wall) const {
    // HOOK-06: retries carry the same token, as long as a receiver would still take it.
    if (!item.authorization.empty() && now - item.signed_at <= kMaxWebhookRetryAfter) return true;
    const std::string_view tenant = tenant_of(item.event);
    const auto key = signing_key(keys_, signer(item.event), tenant);
    if (!key) return false;
    item.authorization = webhook_authorization(item.event.body, *key, wall, tenant);
    item.signed_at = now;
    return true;
}

void WebhookQueue::drop_unsendable(Timestamp now, UnixTime wall, Queue& queue) {
    if (queue.attempts == 0) drop_old(now, queue);
    while (!queue.items.empty() && is_answered(queue.items.front()) &&
           !sign(queue.items.front(), now, wall)) {
        lose_front(now, queue, stats_.dropped_unsigned);
        drop_old(now, queue);
    }
}

std::optional<WebhookQueue::QueueId> WebhookQueue::take_ready(Timestamp now, UnixTime wall) {
    auto target = targets_.begin();
    while (target != targets_.end()) {
        Target& of_url = target->second;
        if (of_url.ready.empty() || of_url.running >= kMaxWebhookRequestsPerUrl ||
            !receivers_.may_ask(now, target->first, of_url.running)) {
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
            receivers_.handle_start(target->first);
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
    queue.is_running = true;
    const Item& item = queue.items.front();
    WebhookRequest request{next_request_++,
                           id->first,
                           {{"Content-Type", "application/webhook+json"},
                            {"Authorization", item.authorization},
                            {"User-Agent", "LiveKit"}},
                           item.event.body,
                           item.event.event};
    if (const std::string_view tenant = tenant_of(item.event); !tenant.empty())
        request.headers.push_back({"X-Confab-Tenant", std::string(tenant)});
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
    queues_.at(id).is_running = false;
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
    queue.was_refused = status >= 500;
    if (is_delivered(status) || is_final(status)) receivers_.handle_answer(id->first);
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

void WebhookQueue::handle_failure(Timestamp now, std::uint64_t request, bool was_sent) {
    const auto id = take_running(request);
    if (!id) return;
    queues_.at(*id).status = 0;
    queues_.at(*id).was_refused = was_sent;
    if (!retry_front(now, *id, std::nullopt)) ++stats_.failed_unreachable;
}

bool WebhookQueue::fails_for_good(Timestamp now, const std::string& url, Queue& queue) const {
    if (!outbox_) return queue.attempts > kMaxWebhookRetries;
    // An event that its receiver cannot take must not keep all later ones of its key. That it is
    // away, or has too much to do, is no refusal.
    const auto taken = taken_.find(url);
    if (queue.was_refused && queue.attempts > 1 && taken != taken_.end() &&
        taken->second > queue.failed && ++queue.refusals == 1)
        queue.refused = now;
    queue.failed = now;
    const bool is_refused = queue.refusals >= kMaxOutboxRefusals;
    if (is_refused && now - queue.refused >= kOutboxRefusalTime) return true;
    return now - queue.items.front().queued > options_.retention;
}

bool WebhookQueue::retry_front(Timestamp now, const QueueId& id, std::optional<Duration> wait) {
    Queue& queue = queues_.at(id);
    const bool away =
        outbox_ &&
        receivers_.handle_failure(
            now, id.first, {id.second, queue.status, queue.was_refused, queue.attempts, wait});
    if (fails_for_good(now, id.first, queue)) {
        lose(queue.items.front().event.event, stats_.failed);
        finish_front(now, id, OutboxState::kGivenUp);
        return false;
    }
    if (outbox_)
        outbox_->mark(now, {queue.items.front().event.number, OutboxState::kPending, queue.attempts,
                            queue.status});
    ++stats_.retries;
    if (away) {
        make_ready(id);
        return true;
    }
    const Duration delay = wait ? std::clamp(*wait, Duration::zero(), kMaxWebhookRetryAfter)
                                : webhook_backoff(queue.attempts);
    queue.retry = now + delay;
    waiting_.emplace(*queue.retry, id);
    return true;
}

void WebhookQueue::finish_front(Timestamp now, const QueueId& id, OutboxState state) {
    const auto found = queues_.find(id);
    erase(now, found->second, 0, state);
    drop_old(now, found->second);
    if (found->second.items.empty())
        queues_.erase(found);
    else
        make_ready(id);
}

void WebhookQueue::drop_old(Timestamp now, Queue& queue) {
    const Duration limit = outbox_ ? options_.retention : options_.max_age;
    while (!queue.items.empty() && now - queue.items.front().queued > limit)
        lose_front(now, queue, stats_.dropped_old);
}

void WebhookQueue::handle_timeout(Timestamp now) {
    if (outbox_) {
        outbox_->handle_timeout(now);
        release_answered();
        if (next_sweep_ <= now) sweep(now);
    }
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
        const QueueId id = waiting_.begin()->second;
        waiting_.erase(waiting_.begin());
        queues_.at(id).retry.reset();
        make_ready(id);
    }
}

Timestamp WebhookQueue::next_deadline() const {
    Timestamp next = waiting_.empty() ? Timestamp::never() : waiting_.begin()->first;
    if (!outbox_) return next;
    for (const auto& [url, target] : targets_)
        if (!target.ready.empty() && target.running == 0 && receivers_.is_away(url))
            next = earlier(next, earlier(next_sweep_, receivers_.next_request(url)));
    if (outbox_->held() > 0) next = earlier(next, next_sweep_);
    return earlier(next, outbox_->next_deadline());
}

std::optional<Duration> parse_retry_after(std::string_view header) {
    const auto seconds = parse_decimal<std::int64_t>(trim(header));
    if (!seconds || *seconds < 0) return std::nullopt;
    return Duration::seconds(std::min(*seconds, std::int64_t{86'400}));
}

}  // namespace confab::api
