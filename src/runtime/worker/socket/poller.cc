// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/poller.h"

#include <sys/epoll.h>
#include <time.h>

#include <cerrno>

namespace confab::worker {
namespace {

epoll_event event_of(std::uint64_t tag, Poller::Interest interest) {
    epoll_event event{};
    event.events = (interest.readable ? EPOLLIN : 0U) | (interest.writable ? EPOLLOUT : 0U);
    event.data.u64 = tag;
    return event;
}

}  // namespace

struct Poller::Events {
    std::array<epoll_event, kMaxReady> list;
};

Poller::Poller() : fd_(::epoll_create1(EPOLL_CLOEXEC)), events_(std::make_unique<Events>()) {}
Poller::Poller(Poller&&) noexcept = default;
Poller& Poller::operator=(Poller&&) noexcept = default;
Poller::~Poller() = default;

bool Poller::add(int fd, std::uint64_t tag, Interest interest) {
    epoll_event event = event_of(tag, interest);
    return ::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::modify(int fd, std::uint64_t tag, Interest interest) {
    epoll_event event = event_of(tag, interest);
    (void)::epoll_ctl(fd_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Poller::remove(int fd) {
    (void)::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

int Poller::wait_for_events(Duration timeout) {
    epoll_event* const list = events_->list.data();
    if (precise_) {
        const timespec left{timeout.us() / 1'000'000, timeout.us() % 1'000'000 * 1000};
        const int count = ::epoll_pwait2(fd_.get(), list, kMaxReady, &left, nullptr);
        if (count >= 0 || errno == EINTR) return count;
        // A kernel before 5.11, or a sandbox that does not know the call: these say EPERM, too.
        precise_ = false;
    }
    const auto ms = static_cast<int>((timeout.us() + 999) / 1000);
    return ::epoll_wait(fd_.get(), list, kMaxReady, ms);
}

std::span<const Poller::Ready> Poller::wait(Duration timeout) {
    const int count = wait_for_events(timeout);
    if (count <= 0) return {};
    const auto size = static_cast<std::size_t>(count);
    for (std::size_t i = 0; i < size; ++i) {
        const epoll_event& event = events_->list[i];
        ready_[i] = {event.data.u64, (event.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0,
                     (event.events & EPOLLOUT) != 0};
    }
    return std::span(ready_).first(size);
}

}  // namespace confab::worker
