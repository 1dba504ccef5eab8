// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who wants to know when Redis has what a room was told to be, and for how long at most. What is
// told of the room later holds nobody up: the commands that bring it to Redis are numbered, and a
// waiter waits for those up to the number that covers what was told before it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/time.h"

namespace confab::cluster::store {

class Waiters {
  public:
    // ---- commands: each brings something of those rooms.
    std::uint64_t begin(const std::vector<std::string>& rooms);
    void end(std::uint64_t number, const std::vector<std::string>& rooms);

    // `is_covered`: by the commands that are on the way, if any are.
    void add(const std::string& room, Timestamp until, bool is_covered, Callback<> done);
    // All that was told of the room so far is on its way.
    void cover(const std::string& room);
    // Nothing will come of it, or not soon.
    void release(const std::string& room);
    void release_all();

    // Calls those who have waited long enough, too.
    void tell(Timestamp now);
    Timestamp next() const { return ready_.empty() ? earliest_ : Timestamp(); }

  private:
    struct Waiter {
        Timestamp until;
        std::optional<std::uint64_t> covered;
        Callback<> done;
    };
    void look(const std::string& room);
    template <typename Over>
    void take(std::vector<Waiter>& waiters, Over&& is_over);

    std::map<std::string, std::vector<Waiter>> waiters_;  // of calls, which others limit
    std::map<std::string, std::set<std::uint64_t>> open_;
    std::uint64_t last_ = 0;
    std::deque<Callback<>> ready_;
    Timestamp earliest_ = Timestamp::never();  // no waiter's time is over before
};

}  // namespace confab::cluster::store
