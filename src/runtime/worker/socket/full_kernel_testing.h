// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests: how much the kernel takes of what this program's sockets send. Loopback itself
// always takes all of UDP.
#pragma once

#include <atomic>

namespace confab::worker {

// Messages that sendmmsg(), sendto() and sendmsg() still take; they answer EAGAIN behind these. -1:
// all.
inline std::atomic<int> kernel_room{-1};
// Calls that were answered so since it was full, and behind how many of them there is room again.
// 0: not by that.
inline std::atomic<int> kernel_refusals{0};
inline std::atomic<int> kernel_patience{0};

// All that is sent meanwhile finds the sockets full.
struct FullKernel {
    explicit FullKernel(int room = 0, int patience = 0) {
        kernel_refusals = 0;
        kernel_patience = patience;
        kernel_room = room;
    }
    ~FullKernel() { kernel_room = -1; }
    FullKernel(const FullKernel&) = delete;
    FullKernel& operator=(const FullKernel&) = delete;
};

}  // namespace confab::worker
