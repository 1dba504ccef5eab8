// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The deadlines of many things, one each: setting one and finding the next costs a logarithm of
// their number, so that nothing walks all of them after an input. Equal times come in the order of
// their keys, in every run.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/time.h"

namespace confab::room {

template <typename Key>
class Deadlines {
  public:
    // never() takes the deadline away.
    void set(const Key& key, Timestamp at) {
        const auto known = at_.find(key);
        if (known != at_.end()) {
            if (known->second == at) return;
            due_.erase({known->second, key});
            at_.erase(known);
        }
        if (at.is_never()) return;
        at_.emplace(key, at);
        due_.emplace(at, key);
    }
    void erase(const Key& key) { set(key, Timestamp::never()); }

    Timestamp next() const { return due_.empty() ? Timestamp::never() : due_.begin()->first; }
    Timestamp of(const Key& key) const {
        const auto known = at_.find(key);
        return known == at_.end() ? Timestamp::never() : known->second;
    }
    // Takes the first that is due away.
    std::optional<Key> pop_due(Timestamp now) {
        if (next() > now || due_.empty()) return std::nullopt;
        Key key = due_.begin()->second;
        erase(key);
        return key;
    }
    std::size_t size() const { return at_.size(); }

  private:
    std::map<Key, Timestamp> at_;
    std::set<std::pair<Timestamp, Key>> due_;
};

}  // namespace confab::room
