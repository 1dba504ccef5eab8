// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Receivers that are away: after a few requests in a row without an answer (or with that of a proxy
// that reaches nobody), after refusals of a few queues in a row, or when it asks for less, an
// address is asked by one queue at a time, after 1, 2, 4 … 30 s, until it takes something. Else
// each of its queues would ask on its own. Belongs to WebhookQueue.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/time.h"

namespace confab::api {

inline constexpr Duration kWebhookFirstWait = Duration::seconds(1);
inline constexpr Duration kWebhookLongestWait = Duration::seconds(30);
// So many in a row, and an address is away.
inline constexpr int kWebhookFailuresUntilAway = 3;
// Refused in a row by an address (5xx, or no end of the answer), and it is held: so many queues, so
// that one event that it cannot take does not hold the others.
inline constexpr std::size_t kWebhookRefusalsUntilHeld = 3;
// A longer Retry-After would outlive the signature of the body.
inline constexpr Duration kMaxWebhookRetryAfter = Duration::seconds(240);

// The wait after that many attempts: 1, 2, 4 … 30 s (HOOK-06).
constexpr Duration webhook_backoff(int attempts) {
    const Duration wait = kWebhookFirstWait * (std::int64_t{1} << std::clamp(attempts - 1, 0, 10));
    return std::min(wait, kWebhookLongestWait);
}

class WebhookReceivers {
  public:
    // No answer, or one of RFC 9110 §15.6.3 … §15.6.5.
    static constexpr bool is_away(int status) {
        return status == 0 || (status >= 502 && status <= 504);
    }

    // How an attempt to send an event failed.
    struct Failure {
        const std::string& key;  // of its queue
        int status = 0;
        bool was_refused = false;  // 5xx, or no answer once it was sent
        int attempts = 0;
        std::optional<Duration> retry_after;
    };
    // One of the three below; gives is_away(url).
    bool handle_failure(Timestamp now, const std::string& url, const Failure& failure);
    bool is_away(const std::string& url) const;
    // Whether a request may begin where so many are under way.
    bool may_ask(Timestamp now, const std::string& url, std::size_t running) const;
    void handle_start(const std::string& url);
    // An attempt to send an event found nobody; gives is_away(url).
    bool handle_nobody(Timestamp now, const std::string& url, int attempts);
    // It was there, and did not take the event of that queue; gives is_away(url).
    bool handle_refusal(Timestamp now, const std::string& url, const std::string& key,
                        int attempts);
    // It asks to be left alone for a while, all of it (Retry-After); who asks so again waits as
    // long as for one that is away. Gives is_away(url).
    bool handle_limit(Timestamp now, const std::string& url, Duration wait, int attempts);
    // It has taken something, or nothing waits for it.
    void handle_answer(const std::string& url) { failing_.erase(url); }
    // Of one that is away.
    Timestamp next_request(const std::string& url) const { return failing_.at(url).next; }
    void clear() { failing_.clear(); }

  private:
    struct Failing {
        int failures = 0;
        std::set<std::string> refused;  // queues; of one that is there
        int rounds = 0;                 // of waits
        bool is_asked = false;          // since it is away
        Timestamp next;
    };
    static bool is_away(const Failing& failing) {
        return failing.failures >= kWebhookFailuresUntilAway;
    }
    // Of one that is away, if it was asked since.
    static void begin_round(Timestamp now, Failing& failing);

    std::map<std::string, Failing> failing_;  // since they took something
};

}  // namespace confab::api
