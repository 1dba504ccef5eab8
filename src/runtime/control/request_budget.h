// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How much one signalling connection may ask of everybody else (08 IMM-15). A request costs what it
// makes the server send to others and the time it takes; who has spent more than is granted is not
// read from until the debt is paid. Nothing is lost: the requests wait in the client's own socket.
// Without it, one client that changes its metadata in a loop fills the queues of all others until
// they are cut.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace confab::control {

struct RequestCost {
    std::size_t largest = 0;           // bytes to the other connection that got most
    std::size_t total = 0;             // bytes to all connections
    Duration took = Duration::zero();  // of the processor
};

class RequestBudget {
  public:
    // In bytes as one receiver sees them. Well above what clients do when they join or resume.
    static constexpr std::int64_t kBurst = 2 * 1024 * 1024;
    static constexpr std::int64_t kPerSecond = 1024 * 1024;
    // A request with many receivers costs this part of all bytes on top.
    static constexpr std::int64_t kFanOutPart = 16;
    static constexpr std::int64_t kPerRequest = 256;
    // A connection may keep the thread busy for a quarter of the time.
    static constexpr std::int64_t kPerMicrosecond = 4 * kPerSecond / 1'000'000;
    // Longer waits would run into the clients' ping timeout of 15 s (01 CON-43).
    static constexpr Duration kMaxWait = Duration::seconds(2);

    // Takes the cost of a request handled at `now`; gives the time from which the next one may be
    // read, `now` if that is at once.
    Timestamp spend(Timestamp now, const RequestCost& cost) {
        if (!last_.is_never()) {
            const Duration passed = std::min(now - last_, kMaxWait * 2);
            left_ = std::min(kBurst, left_ + passed.us() * kPerSecond / 1'000'000);
        }
        last_ = now;
        left_ -= kPerRequest + clamp(cost.largest) + clamp(cost.total) / kFanOutPart +
                 std::min(cost.took, kMaxWait).us() * kPerMicrosecond;
        left_ = std::max(left_, -kPerSecond * kMaxWait.us() / 1'000'000);
        if (left_ >= 0) return now;
        return now + Duration::micros(-left_ * 1'000'000 / kPerSecond);
    }

  private:
    static std::int64_t clamp(std::size_t bytes) {
        constexpr std::size_t kMost = std::size_t{1} << 40;
        return static_cast<std::int64_t>(std::min(bytes, kMost));
    }

    std::int64_t left_ = kBurst;
    Timestamp last_ = Timestamp::never();
};

}  // namespace confab::control
