// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/wakeup.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace confab::worker {

Wakeup::Wakeup() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void Wakeup::notify() {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    State announced = State::kSleeping;
    if (!state_.compare_exchange_strong(announced, State::kRung, std::memory_order_acq_rel)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
}

void Wakeup::announce_sleep() {
    if (state_.exchange(State::kSleeping, std::memory_order_acq_rel) == State::kRung) ++unread_;
    std::atomic_thread_fence(std::memory_order_seq_cst);
}

void Wakeup::awake() {
    if (state_.exchange(State::kAwake, std::memory_order_acq_rel) == State::kRung) ++unread_;
    if (unread_ == 0) return;  // nobody rang
    std::uint64_t count = 0;
    const auto size = ::read(fd_.get(), &count, sizeof count);
    if (size == static_cast<ssize_t>(sizeof count)) unread_ -= std::min(count, unread_);
}

}  // namespace confab::worker
