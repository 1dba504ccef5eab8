// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The jobs that ended here not long ago: a worker that was away meanwhile and says that it has one
// of them is to end it (05 B.6). Of a job that is in no list nobody knows that.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>

#include "base/time.h"

namespace confab::agents {

class EndedJobs {
  public:
    static constexpr Duration kKept = Duration::seconds(600);
    static constexpr std::size_t kMax = 50'000;  // of more, those that ended first are forgotten

    void add(Timestamp now, const std::string& job) {
        while (!order_.empty() && until_.at(order_.front()) <= now)
            forget_first();
        if (!until_.emplace(job, now + kKept).second) return;
        order_.push_back(job);
        if (order_.size() > kMax) forget_first();
    }
    bool contains(Timestamp now, const std::string& job) const {
        const auto at = until_.find(job);
        return at != until_.end() && now < at->second;
    }
    std::size_t size() const { return order_.size(); }

  private:
    void forget_first() {
        until_.erase(order_.front());
        order_.pop_front();
    }

    std::map<std::string, Timestamp> until_;
    std::deque<std::string> order_;
};

}  // namespace confab::agents
