// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/webhook/webhook_receivers.h"

#include <algorithm>

namespace confab::api {

bool WebhookReceivers::is_away(const std::string& url) const {
    const auto found = failing_.find(url);
    return found != failing_.end() && is_away(found->second);
}

bool WebhookReceivers::may_ask(Timestamp now, const std::string& url, std::size_t running) const {
    return !is_away(url) || (running == 0 && next_request(url) <= now);
}

void WebhookReceivers::handle_start(const std::string& url) {
    if (is_away(url)) failing_.at(url).is_asked = true;
}

bool WebhookReceivers::handle_failure(Timestamp now, const std::string& url,
                                      const Failure& failure) {
    if (failure.retry_after) return handle_limit(now, url, *failure.retry_after, failure.attempts);
    const bool is_silent = failure.status == 0 && !failure.was_refused;
    const bool is_proxy = failure.status != 0 && is_away(failure.status);
    if (is_silent || is_proxy) return handle_nobody(now, url, failure.attempts);
    return handle_refusal(now, url, failure.key, failure.attempts);
}

bool WebhookReceivers::handle_nobody(Timestamp now, const std::string& url, int attempts) {
    Failing& failing = failing_[url];
    if (is_away(failing)) {
        begin_round(now, failing);
        return true;
    }
    if (++failing.failures < kWebhookFailuresUntilAway) return false;
    failing.rounds = attempts;
    failing.next = now + webhook_backoff(failing.rounds);
    return true;
}

void WebhookReceivers::begin_round(Timestamp now, Failing& failing) {
    // Those that were under way when it was found to be away say nothing new.
    if (!failing.is_asked) return;
    failing.is_asked = false;
    ++failing.rounds;
    failing.next = now + webhook_backoff(failing.rounds);
}

bool WebhookReceivers::handle_refusal(Timestamp now, const std::string& url, const std::string& key,
                                      int attempts) {
    Failing& failing = failing_[url];
    if (is_away(failing)) {
        if (failing.refused.size() >= kWebhookRefusalsUntilHeld) {
            begin_round(now, failing);
            return true;
        }
        failing = {};  // nobody was there; now somebody is
    }
    failing.refused.insert(key);
    if (failing.refused.size() < kWebhookRefusalsUntilHeld) return false;
    failing.failures = kWebhookFailuresUntilAway;
    failing.rounds = attempts;
    failing.next = now + webhook_backoff(failing.rounds);
    return true;
}

bool WebhookReceivers::handle_limit(Timestamp now, const std::string& url, Duration wait,
                                    int attempts) {
    Failing& failing = failing_[url];
    if (is_away(failing)) {
        begin_round(now, failing);
    } else {
        failing.failures = kWebhookFailuresUntilAway;
        failing.rounds = attempts;
        failing.next = attempts > 1 ? now + webhook_backoff(attempts) : now;
    }
    failing.next =
        std::max(failing.next, now + std::clamp(wait, Duration::zero(), kMaxWebhookRetryAfter));
    return true;
}

}  // namespace confab::api
