// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// WebhookQueue: who gives way where there is no place, and what an outbox adds: events of an
// earlier start, replays, a store that begins anew, what retention ends.
#include <algorithm>
#include <utility>

#include "api/webhook/webhook_queue.h"

namespace confab::api {
namespace {

// How often is looked for what is too old and is not sent.
constexpr Duration kSweepInterval = Duration::seconds(60);
// Among the names of lost events: of what is held only the number is known.
constexpr std::string_view kHeld = "held for an address that is not configured";

bool has_room(const WebhookShares& shares, const OutboxEvent& event) {
    return shares.events() < kMaxOutboxWaiting &&
           shares.bytes() + event.body.size() <= kMaxWebhookBytes;
}

}  // namespace

bool WebhookQueue::make_room(Timestamp now, const OutboxEvent& event) {
    if (event.body.size() > kMaxWebhookBytes) return false;
    const auto found = queues_.find({event.url, event.key});
    if (!outbox_ && found != queues_.end() && found->second.items.size() >= options_.max_depth)
        return false;
    if (!outbox_ && found == queues_.end() && queues_.size() >= kMaxWebhookQueues &&
        shares_.queues(event.url) >= kMaxWebhookQueues / (shares_.addresses() + 1))
        return false;
    while (outbox_ && shares_.events() >= kMaxOutboxWaiting)
        if (!drop_of(now, *shares_.with_most_events())) return false;
    while (shares_.bytes() + event.body.size() > kMaxWebhookBytes)
        if (!drop_of(now, *shares_.with_most_bytes())) return false;
    return true;
}

bool WebhookQueue::drop_of(Timestamp now, const std::string& url) {
    const auto& queues = shares_.longest_first(url);
    const auto longest = std::find_if(queues.begin(), queues.end(), [&](const auto& place) {
        const Queue& queue = queues_.at({url, std::get<2>(place)});
        return queue.items.size() > (queue.is_running ? 1 : 0);
    });
    if (longest == queues.end()) return false;
    const QueueId id{url, std::get<2>(*longest)};
    Queue& queue = queues_.at(id);
    const std::size_t index = queue.is_running ? 1 : 0;
    const OutboxEvent& event = queue.items[index].event;
    lose(event.event, stats_.dropped_full);
    const auto unanswered = unanswered_.find(event.number);
    const bool was_unanswered =
        index == 0 && unanswered != unanswered_.end() && unanswered->second == id;
    if (was_unanswered) unanswered_.erase(unanswered);
    erase(now, queue, index, OutboxState::kGivenUp);
    if (!queue.items.empty()) {
        if (was_unanswered) make_ready(id);
        return true;
    }
    // One that is ready goes when its turn comes.
    if (queue.retry) waiting_.erase({*queue.retry, id});
    if (queue.retry || was_unanswered) queues_.erase(id);
    return true;
}

bool WebhookQueue::is_wanted(const OutboxEvent& event) const {
    return !event.api_key.empty() ||
           std::find(options_.urls.begin(), options_.urls.end(), event.url) != options_.urls.end();
}

void WebhookQueue::restore(Timestamp now, UnixTime wall, OutboxContents contents) {
    std::vector<OutboxEvent> waiting = std::move(contents.waiting);
    outbox_.emplace(std::move(contents));
    for (OutboxEvent& event : waiting) {
        const Timestamp queued = now - std::max(Duration::zero(), wall - event.created);
        if (!is_wanted(event)) {
            if (!outbox_->hold(now, event.number, queued)) lose(kHeld, stats_.dropped_full);
        } else if (make_room(now, event)) {
            (void)append(queued, std::move(event));
        } else {
            lose(event.event, stats_.dropped_full);
            outbox_->mark(now, {event.number, OutboxState::kGivenUp, 0, 0});
        }
    }
    sweep(now);
}

std::size_t WebhookQueue::replay(Timestamp now, std::vector<OutboxReplay> events) {
    std::size_t count = 0;
    for (OutboxReplay& one : events) {
        // What waits does not give way to what has had its turn.
        if (is_wanted(one.event) && has_room(shares_, one.event)) {
            (void)append(now, std::move(one.event));
            ++count;
        } else {
            outbox_->mark(now, one.was);
        }
    }
    return count;
}

std::size_t WebhookQueue::replay_to(Timestamp now, const std::string& url,
                                    std::vector<OutboxReplay> events) {
    std::size_t count = 0;
    for (OutboxReplay& one : events) {
        if (one.event.url == url || !has_room(shares_, one.event)) continue;
        const bool was_held = outbox_->release(one.event.number);
        if (one.was.state == OutboxState::kPending && !was_held) continue;
        if (was_held)
            outbox_->mark(
                now, {one.event.number, OutboxState::kGivenUp, one.was.attempts, one.was.status});
        OutboxEvent event = std::move(one.event);
        event.url = url;
        event.api_key.clear();
        event.created = {};
        event.sequence = outbox_->take_sequence(url);
        outbox_->add(now, event);
        (void)append(now, std::move(event));
        ++count;
    }
    return count;
}

void WebhookQueue::handle_begun_anew(Timestamp now, UnixTime wall) {
    if (!outbox_) return;
    lose(kHeld, stats_.dropped_full, outbox_->held());  // they went with the store
    outbox_->release_all();
    for (const auto& [id, queue] : queues_)
        for (const Item& item : queue.items) {
            OutboxEvent event = item.event;
            event.created = wall - (now - item.queued);
            outbox_->write_again(std::move(event));
        }
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

void WebhookQueue::sweep(Timestamp now) {
    next_sweep_ = now + kSweepInterval;
    for (const auto& [url, target] : targets_) {
        if (!receivers_.is_away(url)) continue;
        for (const QueueId& id : target.ready) {
            Queue& queue = queues_.at(id);
            // Its turn to be tried once more may be days away.
            if (queue.attempts > 0 && now - queue.items.front().queued > options_.retention) {
                ++stats_.failed_unreachable;
                lose_front(now, queue, stats_.failed);
            }
            drop_old(now, queue);
        }
    }
    lose(kHeld, stats_.dropped_old, outbox_->give_up_held(now, options_.retention));
}

}  // namespace confab::api
