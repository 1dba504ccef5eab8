// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/load/loop.h"

#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace confab::load {
namespace {

std::int64_t micros_of(clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
}

}  // namespace

Timestamp monotonic_now() {
    return Timestamp::micros(micros_of(CLOCK_MONOTONIC));
}
UnixTime wall_now() {
    return UnixTime::micros(micros_of(CLOCK_REALTIME));
}

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    CONFAB_CHECK(epoll_ >= 0);
}
Loop::~Loop() {
    ::close(epoll_);
}

void Loop::watch(int fd, Waiter& waiter, std::size_t number, bool writing) {
    epoll_event event{};
    event.events = EPOLLIN | (writing ? EPOLLOUT : 0U);
    event.data.u64 = reinterpret_cast<std::uintptr_t>(&waiter) | number;
    if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0)
        (void)::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Loop::run_once(Duration limit) {
    Duration wait = limit;
    if (!timers_.empty()) wait = std::min(wait, timers_.begin()->first - monotonic_now());
    std::array<epoll_event, 128> events;
    const int count =
        ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                     static_cast<int>(std::max<std::int64_t>(0, (wait.us() + 999) / 1000)));
    for (int i = 0; i < count; ++i) {
        constexpr std::uintptr_t kNumber = Waiter::kMaxSockets - 1;
        const std::uintptr_t both = events[static_cast<std::size_t>(i)].data.u64;
        reinterpret_cast<Waiter*>(both & ~kNumber)->on_socket(both & kNumber);
    }
    const Timestamp at = monotonic_now();
    while (!timers_.empty() && timers_.begin()->first <= at) {
        Waiter* const waiter = timers_.begin()->second;
        waiter->on_time();  // moves its timer
    }
}

}  // namespace confab::load
