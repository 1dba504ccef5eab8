// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Binding requests that wait for an answer. Every check has a transaction of its own, so a late
// answer to an earlier one still counts. Bounded: the oldest is forgotten first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/state/state.h"
#include "base/time.h"
#include "rtc/ice/path.h"
#include "rtc/ice/types.h"
#include "wire/ice/stun.h"

namespace confab::ice {

struct Transaction {
    wire::StunTransactionId id{};
    Path path;
    std::uint32_t pair = 0;  // 0 for the path kept over a restart
    Timestamp sent;
    Role role = Role::kControlled;  // as the request said
    bool use_candidate = false;
};

class Transactions {
  public:
    void add(const Transaction& transaction) {
        if (list_.size() >= kMaxPendingTransactions) list_.erase(list_.begin());
        list_.push_back(transaction);
    }
    const Transaction* find(const wire::StunTransactionId& id) const {
        const auto it = std::find_if(list_.begin(), list_.end(),
                                     [&](const Transaction& t) { return t.id == id; });
        return it == list_.end() ? nullptr : &*it;
    }
    void erase(const wire::StunTransactionId& id) {
        std::erase_if(list_, [&](const Transaction& t) { return t.id == id; });
    }
    void expire(Timestamp sent_before) {
        std::erase_if(list_, [&](const Transaction& t) { return t.sent < sent_before; });
    }
    void clear() { list_.clear(); }
    std::size_t size() const { return list_.size(); }
    std::size_t bytes_held() const { return list_.capacity() * sizeof(Transaction); }

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);
    template <typename Change>
    void each_path(const Change& change) {
        for (Transaction& transaction : list_)
            change(transaction.path);
    }

  private:
    template <typename Self, typename Io>
    static void fields(Self& self, Io& io);

    std::vector<Transaction> list_;
};

}  // namespace confab::ice
