// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How much waits for which address, and in which of its queues: where there is no place for more,
// who has the most gives way, so that a receiver that is away costs the others nothing. Belongs to
// WebhookQueue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "base/time.h"

namespace confab::api {

class WebhookShares {
  public:
    // What is in a queue: nothing, or so many events of which the first came then.
    struct Size {
        std::size_t events = 0;
        Timestamp first;
    };
    // A queue has changed; its bodies are longer by so much.
    void change(const std::string& url, const std::string& key, const Size& before,
                const Size& after, std::int64_t bytes);
    void clear();

    std::size_t events() const { return events_; }
    std::size_t bytes() const { return bytes_; }
    std::size_t addresses() const { return shares_.size(); }
    std::size_t queues(const std::string& url) const;

    // Null while nothing waits.
    const std::string* with_most_events() const { return last_of(by_events_); }
    const std::string* with_most_bytes() const { return last_of(by_bytes_); }
    // The keys of the queues of an address that has any: the longest first, of equal ones the one
    // that waits longest.
    using Queues = std::set<std::tuple<std::int64_t, Timestamp, std::string>>;
    const Queues& longest_first(const std::string& url) const { return shares_.at(url).queues; }

  private:
    struct Share {
        std::size_t events = 0;
        std::size_t bytes = 0;
        Queues queues;  // by their lengths, negated
    };
    using Order = std::set<std::pair<std::size_t, std::string>>;
    static const std::string* last_of(const Order& order) {
        return order.empty() ? nullptr : &order.rbegin()->second;
    }

    std::map<std::string, Share> shares_;  // of addresses for which something waits
    Order by_events_;
    Order by_bytes_;
    std::size_t events_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace confab::api
