// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The loop of one thread of a load: sockets by epoll, moments by a sorted set.
#pragma once

#include <cstdint>
#include <set>
#include <utility>

#include "base/time.h"

namespace confab::load {

Timestamp monotonic_now();
UnixTime wall_now();

// What waits for sockets and for moments. Aligned, so that the number of a socket fits beside it.
class alignas(8) Waiter {
  public:
    static constexpr std::size_t kMaxSockets = 8;

    virtual ~Waiter() = default;
    virtual void on_socket(std::size_t number) = 0;
    virtual void on_time() = 0;
};

class Loop {
  public:
    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // `number` is the waiter's own of that socket, below kMaxSockets. A closed socket is forgotten.
    void watch(int fd, Waiter& waiter, std::size_t number, bool writing);
    // Replaces `before`, which the waiter remembers; never() before the waiter goes.
    void set_timer(Waiter& waiter, Timestamp& before, Timestamp at) {
        if (before == at) return;
        timers_.erase({before, &waiter});
        if (!at.is_never()) timers_.insert({at, &waiter});
        before = at;
    }
    // What happens within `limit`.
    void run_once(Duration limit);

  private:
    int epoll_;
    std::set<std::pair<Timestamp, Waiter*>> timers_;
};

}  // namespace confab::load
