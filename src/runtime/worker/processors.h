// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <cstddef>
#include <vector>

namespace confab::worker {

// The numbers of the processors that this process may use, upwards (sched_getaffinity(2)): what
// taskset, a cpuset or CPUAffinity of a service leaves of the machine's. Never empty.
std::vector<int> allowed_processors();

// Of one worker among `count`: a processor of its own, the first one left to everything else;
// -1, wherever the kernel likes, if there are not enough.
int processor_of(const std::vector<int>& allowed, std::size_t worker, std::size_t count);

}  // namespace confab::worker
