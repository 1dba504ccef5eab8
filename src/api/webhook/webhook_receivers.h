// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Receivers that are away: after a few requests in a row without an answer (or with that of a proxy
// that reaches nobody) an address is asked by one queue at a time, after 1, 2, 4 … 30 s, until it
// answers. Else each of its queues would ask on its own. Belongs to WebhookQueue.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/time.h"

namespace confab::api {

inline constexpr Duration kWebhookFirstWait = Duration::seconds(1);
inline constexpr Duration kWebhookLongestWait = Duration::seconds(30);
// So many in a row, and an address is away.
inline constexpr int kWebhookFailuresUntilAway = 3;

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

    bool is_away(const std::string& url) const;
    // Whether a request may begin where so many are under way.
    bool may_ask(Timestamp now, const std::string& url, std::size_t running) const;
    void handle_start(const std::string& url);
    // An attempt to send an event found nobody; gives is_away(url).
    bool handle_nobody(Timestamp now, const std::string& url, int attempts);
    // It has answered, or nothing waits for it.
    void handle_answer(const std::string& url) { failing_.erase(url); }
    // Of one that is away.
    Timestamp next_request(const std::string& url) const { return failing_.at(url).next; }
    void clear() { failing_.clear(); }

  private:
    struct Failing {
        int failures = 0;
        int rounds = 0;         // of waits
        bool is_asked = false;  // since it is away
        Timestamp next;
    };
    std::map<std::string, Failing> failing_;  // since their last answer
};

}  // namespace confab::api
