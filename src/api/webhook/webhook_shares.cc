// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/webhook/webhook_shares.h"

namespace confab::api {

void WebhookShares::change(const std::string& url, const std::string& key, const Size& before,
                           const Size& after, std::int64_t bytes) {
    const auto place = [&key](const Size& size) {
        return std::tuple(-static_cast<std::int64_t>(size.events), size.first, key);
    };
    Share& share = shares_[url];
    by_events_.erase({share.events, url});
    by_bytes_.erase({share.bytes, url});
    if (before.events > 0) share.queues.erase(place(before));
    if (after.events > 0) share.queues.insert(place(after));
    share.events += after.events - before.events;
    events_ += after.events - before.events;
    share.bytes += static_cast<std::size_t>(bytes);
    bytes_ += static_cast<std::size_t>(bytes);
    if (share.queues.empty()) {
        shares_.erase(url);
        return;
    }
    by_events_.emplace(share.events, url);
    by_bytes_.emplace(share.bytes, url);
}

void WebhookShares::clear() {
    *this = {};
}

std::size_t WebhookShares::queues(const std::string& url) const {
    const auto found = shares_.find(url);
    return found == shares_.end() ? 0 : found->second.queues.size();
}

}  // namespace confab::api
