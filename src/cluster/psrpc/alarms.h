// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// When each of many things is due.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/time.h"

namespace confab::cluster::psrpc {

template <typename Key>
class Alarms {
  public:
    // In place of its earlier one. A Key for never() has none.
    void set(const Key& key, Timestamp at) {
        cancel(key);
        if (at.is_never()) return;
        times_.emplace(key, at);
        order_.insert({at, key});
    }
    void cancel(const Key& key) {
        const auto it = times_.find(key);
        if (it == times_.end()) return;
        order_.erase({it->second, key});
        times_.erase(it);
    }
    // One that is due, which then has none any more.
    std::optional<Key> pop(Timestamp now) {
        if (order_.empty() || order_.begin()->first > now) return std::nullopt;
        Key key = order_.begin()->second;
        cancel(key);
        return key;
    }
    Timestamp next() const { return order_.empty() ? Timestamp::never() : order_.begin()->first; }

  private:
    std::map<Key, Timestamp> times_;
    std::set<std::pair<Timestamp, Key>> order_;
};

}  // namespace confab::cluster::psrpc
