// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who moved to another room of late (01 API-12). A client that did not hear of it, as its
// connection was dead already, resumes where it was, under the sid that it had there.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>

#include "base/time.h"

namespace confab::room {

class Moves {
  public:
    // Who has been silent for longer begins a new session, though media may have flowed meanwhile.
    static constexpr Duration kKept = Duration::seconds(90);
    // Of more, the oldest are forgotten: such a client begins a new session.
    static constexpr std::size_t kMaxKept = 4'096;

    void note(Timestamp now, const std::string& sid, std::string room) {
        order_.emplace_back(now, sid);
        rooms_[sid] = {now, std::move(room)};
        while (order_.size() > kMaxKept || now - order_.front().first > kKept)
            forget_oldest();
    }
    // Null when nothing is known of it.
    const std::string* find(Timestamp now, const std::string& sid) const {
        const auto known = rooms_.find(sid);
        if (known == rooms_.end() || now - known->second.first > kKept) return nullptr;
        return &known->second.second;
    }
    std::size_t size() const { return order_.size(); }

  private:
    void forget_oldest() {
        const auto known = rooms_.find(order_.front().second);
        // It may have moved on meanwhile.
        if (known != rooms_.end() && known->second.first == order_.front().first)
            rooms_.erase(known);
        order_.pop_front();
    }

    std::deque<std::pair<Timestamp, std::string>> order_;
    std::map<std::string, std::pair<Timestamp, std::string>> rooms_;  // by sid
};

}  // namespace confab::room
