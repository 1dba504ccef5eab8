// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Delivery of webhooks as a poll machine (01 HOOK-05 … HOOK-09). One serial queue per URL and key;
// different queues run in parallel, a retry blocks its queue. Requests beyond the number that may
// be under way wait, they never fail for it. The driver sends what poll_request() gives and reports
// the outcome of each request exactly once.
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
#include "api/webhook/webhook.h"
#include "base/result.h"
#include "base/time.h"

namespace confab::api {

// URLs × keys with something to send, and all bodies together; beyond: dropped, counted, reported.
inline constexpr std::size_t kMaxWebhookQueues = 16'384;
inline constexpr std::size_t kMaxWebhookBytes = 64 * 1024 * 1024;
// Requests under way, of all and to one URL, so that a slow receiver leaves room for the others.
inline constexpr std::size_t kMaxWebhookRequests = 256;
inline constexpr std::size_t kMaxWebhookRequestsPerUrl = 32;
inline constexpr int kMaxWebhookRetries = 4;  // HOOK-06: waits of 1, 2, 4, 8 s
inline constexpr Duration kWebhookFirstWait = Duration::seconds(1);
inline constexpr Duration kWebhookLongestWait = Duration::seconds(30);
// A longer Retry-After would outlive the signature of the body.
inline constexpr Duration kMaxWebhookRetryAfter = Duration::seconds(240);

struct WebhookOptions {
    std::vector<std::string> urls;
    std::string api_key;  // signs; its secret comes from the key provider
    WebhookFilter filter;
    Duration max_age = Duration::seconds(30);  // webhook.resource_url_notifier.max_age
    std::size_t max_depth = 200;               // …max_depth
    // At shutdown, how long what is queued may still take (confab.webhook_flush_timeout).
    Duration flush_timeout = Duration::seconds(5);
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

    // To the configured URLs the filter lets through and, for egress, to at most one extra target
    // with its own filter and signing key (HOOK-08). Gives the length of each queue that took it,
    // the event itself included.
    std::vector<std::size_t> enqueue(Timestamp now, const livekit::WebhookEvent& event,
                                     const livekit::WebhookConfig* extra = nullptr);

    // Drops what grew too old while it waited for a place among the requests under way.
    std::optional<WebhookRequest> poll_request(Timestamp now, UnixTime wall);
    // `retry_after` is the header of a 429 as a length of time. Unknown ids are ignored.
    void handle_response(Timestamp now, std::uint64_t id, int status,
                         std::optional<Duration> retry_after = std::nullopt);
    // No answer: connection refused, timeout, broken TLS.
    void handle_failure(Timestamp now, std::uint64_t id);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

    const WebhookStats& stats() const { return stats_; }
    bool idle() const { return queues_.empty(); }

    // How many events of each kind were lost since the last call, for the log.
    using Lost = std::map<std::string, std::uint64_t, std::less<>>;
    Lost take_lost() { return std::exchange(lost_, {}); }
    // Drops everything, requests under way included: they may or may not have arrived.
    void give_up();

  private:
    using QueueId = std::pair<std::string, std::string>;  // URL, key
    struct Item {
        Timestamp queued;
        std::string event;
        std::string body;
        std::string api_key;
        std::string authorization;  // made when it is sent first; retries have the same (HOOK-06)
        Timestamp signed_at;
    };
    struct Queue {
        std::deque<Item> items;  // front: being sent or waiting for its retry
        int attempts = 0;        // of the front
    };
    struct Target {                 // what shares a URL
        std::deque<QueueId> ready;  // each queue at most once
        std::size_t running = 0;
    };

    // The new length of its queue; nullopt: dropped.
    std::optional<std::size_t> add(Timestamp now, const std::string& url,
                                   const std::string& api_key, const livekit::WebhookEvent& event,
                                   const std::string& body);
    // The next ready queue whose front may be sent; its turn is taken.
    std::optional<QueueId> take_ready(Timestamp now, UnixTime wall);
    // False if the key is not known any more.
    bool sign(Item& item, Timestamp now, UnixTime wall) const;
    // Drops fronts that are too old or cannot be signed, unless their sending has begun.
    void drop_unsendable(Timestamp now, UnixTime wall, Queue& queue);
    // Starts the front of the queue, dropping what is too old; removes an empty queue.
    void start_front(Timestamp now, const QueueId& id);
    void finish_front(Timestamp now, const QueueId& id);
    // Has the front sent again later; false when all its attempts are used.
    bool retry_front(Timestamp now, const QueueId& id, std::optional<Duration> wait);
    // The queue of a running request, which is over now.
    std::optional<QueueId> take_running(std::uint64_t request);
    void make_ready(const QueueId& id);
    void drop_old(Timestamp now, Queue& queue);
    void lose(std::string_view event, std::uint64_t& counter);
    static void pop_front(Queue& queue, std::size_t& bytes);

    WebhookOptions options_;
    const token::KeyProvider& keys_;
    std::map<QueueId, Queue> queues_;
    std::map<std::string, Target, std::less<>> targets_;  // those with something ready or running
    std::map<std::uint64_t, QueueId> running_;            // each queue at most once
    std::set<std::pair<Timestamp, QueueId>> waiting_;
    std::uint64_t next_request_ = 1;
    std::size_t bytes_ = 0;  // of all bodies
    Lost lost_;
    WebhookStats stats_;
};

// A Retry-After value in seconds (RFC 9110 §10.2.3); dates are not understood.
std::optional<Duration> parse_retry_after(std::string_view header);

}  // namespace confab::api
