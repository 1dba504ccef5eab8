// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Delivery of webhooks as a poll machine (01 HOOK-05 … HOOK-09). One serial queue per URL and key;
// different queues run in parallel, a retry blocks its queue. Requests beyond the number that may
// be under way wait, they never fail for it. The driver sends what poll_request() gives and reports
// the outcome of each request exactly once.
//
// With an outbox (restore()) an event is written before it is tried, and tried until its receiver
// takes it or retention is over; what waits at the end is there at the next start. A receiver that
// is away is asked by one of its queues at a time (webhook_receivers.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/http/http_types.h"
#include "api/webhook/outbox.h"
#include "api/webhook/webhook.h"
#include "api/webhook/webhook_receivers.h"
#include "api/webhook/webhook_shares.h"
#include "base/result.h"
#include "base/time.h"

namespace confab::api {

// URLs × keys with something to send. Beyond, a URL gets no more of them than its share, so that
// there are less than twice as many; what has no place is dropped, counted, reported.
inline constexpr std::size_t kMaxWebhookQueues = 16'384;
// All bodies together. Beyond, the URL with the most drops its oldest ones (of its longest queues);
// so, too, with kMaxOutboxWaiting.
inline constexpr std::size_t kMaxWebhookBytes = 64 * 1024 * 1024;
// Requests under way, of all and to one URL, so that a slow receiver leaves room for the others.
inline constexpr std::size_t kMaxWebhookRequests = 256;
inline constexpr std::size_t kMaxWebhookRequestsPerUrl = 32;
// Targets that one egress may name; further ones are dropped, since each gets a copy of the body.
inline constexpr int kMaxWebhookTargets = 64;
inline constexpr int kMaxWebhookRetries = 4;  // HOOK-06: waits of 1, 2, 4, 8 s

struct WebhookOptions {
    std::vector<std::string> urls;
    std::string api_key;  // signs; its secret comes from the key provider
    WebhookFilter filter;
    Duration max_age = Duration::seconds(30);  // webhook.resource_url_notifier.max_age
    std::size_t max_depth = 200;               // …max_depth
    // At shutdown, how long what is queued may still take (confab.webhook_flush_timeout).
    Duration flush_timeout = Duration::seconds(5);
    // With an outbox, instead of max_age and max_depth (confab.webhook_retention).
    Duration retention = Duration::seconds(24 * 3600);
};
// HOOK-09: the start-up error "api_key is required to use webhooks".
Result<void, std::string> check_webhook_options(const WebhookOptions& options,
                                                const token::KeyProvider& keys);

struct WebhookRequest {
    std::uint64_t id = 0;  // for handle_response(); every attempt has its own
    std::string url;
    std::vector<HttpHeader> headers;
    std::string body;
    std::string event;  // for the log
};

struct WebhookStats {
    std::uint64_t delivered = 0;
    std::uint64_t failed = 0;              // all attempts used
    std::uint64_t failed_unreachable = 0;  // of those, without an answer to the last one
    std::uint64_t dropped_full = 0;        // queue, or number of queues, at its limit
    std::uint64_t dropped_old = 0;
    std::uint64_t dropped_unsigned = 0;  // the signing key is unknown
    std::uint64_t dropped_at_end = 0;    // given up when the server stopped
    std::uint64_t retries = 0;
};

class WebhookQueue {
  public:
    // `keys` must outlive the queue.
    WebhookQueue(WebhookOptions options, const token::KeyProvider& keys);

    // To the configured URLs the filter lets through and to the targets that the egress of an event
    // names (webhook_targets()), which have their own filter and signing key, or the configured key
    // (HOOK-08). Gives the length of each queue that took it, the event itself included. `tenant`:
    // of its room; a tenant's key signs for no other.
    std::vector<std::size_t> enqueue(Timestamp now, const livekit::WebhookEvent& event,
                                     std::string_view tenant = {});

    // Once, before all else: from now on there is an outbox, and what waited in it goes on.
    // What is for an address that is not configured any more is held in the outbox: until an
    // operator configures it again or sends it elsewhere, or retention is over.
    void restore(Timestamp now, UnixTime wall, OutboxContents contents);
    std::size_t held() const { return outbox_ ? outbox_->held() : 0; }
    // Events of the outbox that are to be sent again, as new ones; gives how many are. The others
    // become what they were: no place, or an address that is not configured.
    std::size_t replay(Timestamp now, std::vector<OutboxReplay> events);
    // The same, as new events to a configured address; what is held is so no more. Not what is on
    // its way to its own address.
    std::size_t replay_to(Timestamp now, const std::string& url, std::vector<OutboxReplay> events);
    // The store has nothing any more: all that waits is written again.
    void handle_begun_anew(Timestamp now, UnixTime wall);
    // For the store, in this order; its answer: all events up to that number are kept, or not.
    std::optional<OutboxWrite> poll_write() {
        return outbox_ ? outbox_->poll_write() : std::nullopt;
    }
    void handle_stored(std::uint64_t through, bool kept);

    // Drops what grew too old while it waited for a place among the requests under way.
    std::optional<WebhookRequest> poll_request(Timestamp now, UnixTime wall);
    // `retry_after` is the header of a 429 as a length of time. Unknown ids are ignored.
    void handle_response(Timestamp now, std::uint64_t id, int status,
                         std::optional<Duration> retry_after = std::nullopt);
    // No answer. `was_sent`: the receiver was there and got the request; else connection refused,
    // broken TLS.
    void handle_failure(Timestamp now, std::uint64_t id, bool was_sent = false);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

    const WebhookStats& stats() const { return stats_; }
    bool idle() const { return shares_.events() == 0; }
    std::size_t waiting() const { return shares_.events(); }  // requests under way included
    // How long the oldest has waited.
    Duration oldest(Timestamp now) const;

    // How many events of each kind were lost since the last call, for the log.
    using Lost = std::map<std::string, std::uint64_t, std::less<>>;
    Lost take_lost() { return std::exchange(lost_, {}); }
    // Drops everything, requests under way included: they may or may not have arrived. Gives the
    // number of those that the outbox has for the next start; they are not lost. What the store has
    // not answered about is written before it ends, if it works.
    std::size_t give_up(bool store_works = true);

  private:
    using QueueId = std::pair<std::string, std::string>;  // URL, key
    struct Item {
        Timestamp queued;
        OutboxEvent event;          // without an outbox its number is 0
        std::string authorization;  // made when it is sent first; retries have the same (HOOK-06)
        Timestamp signed_at;
    };
    struct Queue {
        std::deque<Item> items;   // front: being sent or waiting for its retry
        bool is_running = false;  // being sent
        // Of the front.
        int attempts = 0;
        int status = 0;            // of the last answer; 0: none
        bool was_refused = false;  // 5xx, or no answer after it was sent
        int refusals = 0;          // while the receiver took others
        Timestamp refused;         // the first of these
        Timestamp failed;
        std::optional<Timestamp> retry;  // its place in waiting_

        WebhookShares::Size size() const {
            if (items.empty()) return {};
            return {items.size(), items.front().queued};
        }
    };
    struct Target {                 // what shares a URL
        std::deque<QueueId> ready;  // each queue at most once
        std::size_t running = 0;
    };

    // The new length of its queue; nullopt: dropped.
    std::optional<std::size_t> add(Timestamp now, OutboxEvent event);
    // Has others give way, if need be; false if the event has no place all the same.
    bool make_room(Timestamp now, const OutboxEvent& event);
    // Drops the oldest event of the longest queue of that address; false if all are being sent.
    bool drop_of(Timestamp now, const std::string& url);
    std::size_t append(Timestamp queued, OutboxEvent event);
    bool is_wanted(const OutboxEvent& event) const;
    const std::string& signer(const OutboxEvent& event) const {
        return event.api_key.empty() ? options_.api_key : event.api_key;
    }
    bool is_answered(const Item& item) const {
        return !outbox_ || outbox_->is_answered(item.event.number);
    }
    // The next ready queue whose front may be sent; its turn is taken.
    std::optional<QueueId> take_ready(Timestamp now, UnixTime wall);
    // False if the key is not known any more.
    bool sign(Item& item, Timestamp now, UnixTime wall) const;
    // Drops fronts that are too old or cannot be signed, unless their sending has begun.
    void drop_unsendable(Timestamp now, UnixTime wall, Queue& queue);
    // Notes that the front failed; whether to give it up.
    bool fails_for_good(Timestamp now, const std::string& url, Queue& queue) const;
    // The front is over; starts the next one, or removes the empty queue.
    void finish_front(Timestamp now, const QueueId& id, OutboxState state);
    // Has the front sent again later; false when all its attempts are used.
    bool retry_front(Timestamp now, const QueueId& id, std::optional<Duration> wait);
    // The queue of a running request, which is over now.
    std::optional<QueueId> take_running(std::uint64_t request);
    // To be polled, once the store has answered about its front.
    void make_ready(const QueueId& id);
    void release_answered();
    void drop_old(Timestamp now, Queue& queue);
    // What retention ends where nothing is sent: of receivers that are away, and what is held.
    void sweep(Timestamp now);
    void lose(std::string_view event, std::uint64_t& counter, std::uint64_t count = 1);
    void lose_front(Timestamp now, Queue& queue, std::uint64_t& counter);
    // Takes an item out of its queue; the first has the attempts.
    void erase(Timestamp now, Queue& queue, std::size_t index, OutboxState state);

    WebhookOptions options_;
    const token::KeyProvider& keys_;
    std::map<QueueId, Queue> queues_;                     // an empty one only while it is ready
    WebhookShares shares_;                                // what is in them
    WebhookReceivers receivers_;                          // with an outbox
    std::map<std::string, Target, std::less<>> targets_;  // those with something ready or running
    std::map<std::uint64_t, QueueId> running_;            // each queue at most once
    std::set<std::pair<Timestamp, QueueId>> waiting_;
    std::optional<Outbox> outbox_;
    std::map<std::uint64_t, QueueId> unanswered_;          // queues by the number of their front
    std::map<std::string, Timestamp, std::less<>> taken_;  // last delivery to each of options_.urls
    Timestamp next_sweep_;
    std::uint64_t next_request_ = 1;
    Lost lost_;
    WebhookStats stats_;
};

// A Retry-After value in seconds (RFC 9110 §10.2.3); dates are not understood.
std::optional<Duration> parse_retry_after(std::string_view header);

}  // namespace confab::api
