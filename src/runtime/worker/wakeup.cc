// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/wakeup.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace confab::worker {

Wakeup::Wakeup() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void Wakeup::notify() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!sleeping_.exchange(false, std::memory_order_acq_rel)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

void Wakeup::announce_sleep() {
    sleeping_.store(true, std::memory_order_release);
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Wakeup::awake() {
    // Still announced: nobody rang, so there is nothing to read.
    if (sleeping_.exchange(false, std::memory_order_acq_rel)) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read = ::read(fd_.get(), &count, sizeof count);
}

}  // namespace confab::worker
