// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which sessions of one end have something to do, and when. What the bus calls notes a session
// here; the end goes through them in its own turn.
#pragma once

#include <memory>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/time.h"
#include "cluster/relay/settings.h"

namespace confab::cluster::relay {

// In the order in which they were woken, each once.
class ReadyList {
  public:
    void wake(SessionId id) {
        if (known_.insert(id).second) ids_.push_back(id);
    }
    std::vector<SessionId> take() {
        known_.clear();
        return std::exchange(ids_, {});
    }
    bool is_empty() const { return ids_.empty(); }

  private:
    std::vector<SessionId> ids_;
    std::unordered_set<SessionId> known_;
};

// One deadline of each session.
class Deadlines {
  public:
    void set(SessionId id, Timestamp at) {
        clear(id);
        if (at.is_never()) return;
        at_[id] = at;
        order_.insert({at, id});
    }
    void clear(SessionId id) {
        const auto found = at_.find(id);
        if (found == at_.end()) return;
        order_.erase({found->second, id});
        at_.erase(found);
    }
    // All that are due are taken out and given to `ready`.
    void expire(Timestamp now, ReadyList& ready) {
        while (!order_.empty() && order_.begin()->first <= now) {
            const SessionId id = order_.begin()->second;
            ready.wake(id);
            clear(id);
        }
    }
    Timestamp next() const { return order_.empty() ? Timestamp::never() : order_.begin()->first; }

  private:
    std::set<std::pair<Timestamp, SessionId>> order_;
    std::unordered_map<SessionId, Timestamp> at_;
};

}  // namespace confab::cluster::relay
