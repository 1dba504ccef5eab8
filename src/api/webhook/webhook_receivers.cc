// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/webhook/webhook_receivers.h"

namespace confab::api {

bool WebhookReceivers::is_away(const std::string& url) const {
    const auto found = failing_.find(url);
    return found != failing_.end() && found->second.failures >= kWebhookFailuresUntilAway;
}

bool WebhookReceivers::may_ask(Timestamp now, const std::string& url, std::size_t running) const {
    return !is_away(url) || (running == 0 && next_request(url) <= now);
}

void WebhookReceivers::handle_start(const std::string& url) {
    if (is_away(url)) failing_.at(url).is_asked = true;
}

bool WebhookReceivers::handle_nobody(Timestamp now, const std::string& url, int attempts) {
    Failing& failing = failing_[url];
    if (failing.failures >= kWebhookFailuresUntilAway) {
        // Those that were under way when it was found to be away say nothing new.
        if (!failing.is_asked) return true;
        ++failing.rounds;
    } else {
        if (++failing.failures < kWebhookFailuresUntilAway) return false;
        failing.rounds = attempts;
    }
    failing.is_asked = false;
    failing.next = now + webhook_backoff(failing.rounds);
    return true;
}

}  // namespace confab::api
