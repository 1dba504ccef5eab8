// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/processors.h"

#include <sched.h>

#include <algorithm>
#include <numeric>
#include <thread>

namespace confab::worker {

std::vector<int> allowed_processors() {
    std::vector<int> allowed;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) == 0)
        for (int i = 0; i < CPU_SETSIZE; ++i)
            if (CPU_ISSET(static_cast<std::size_t>(i), &set)) allowed.push_back(i);
    if (!allowed.empty()) return allowed;
    // A machine with more processors than the set has room for.
    allowed.resize(std::max(1U, std::thread::hardware_concurrency()));
    std::iota(allowed.begin(), allowed.end(), 0);
    return allowed;
}

// A worker more than processors would only disturb its neighbour.
int processor_of(const std::vector<int>& allowed, std::size_t worker, std::size_t count) {
    return count < allowed.size() ? allowed[worker + 1] : -1;
}

}  // namespace confab::worker
