// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The loop that drives the clients of a load: sockets by epoll, moments by a sorted set; and what
// all of them share.
#pragma once

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/rng.h"
#include "crypto/certificate.h"
#include "crypto/random.h"
#include "rtc/peer/transport.h"
#include "runtime/worker/socket/socket_address.h"

namespace confab::bench {

inline Timestamp now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return Timestamp::micros(t.tv_sec * 1'000'000 + t.tv_nsec / 1000);
}
inline UnixTime wall() {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return UnixTime::micros(t.tv_sec * 1'000'000 + t.tv_nsec / 1000);
}

// What waits for sockets and for moments.
class Waiter {
  public:
    virtual ~Waiter() = default;
    virtual void on_socket() = 0;
    virtual void on_time() = 0;
};

class LoadLoop {
  public:
    LoadLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {}
    ~LoadLoop() { ::close(epoll_); }
    LoadLoop(const LoadLoop&) = delete;
    LoadLoop& operator=(const LoadLoop&) = delete;

    void watch(int fd, Waiter& waiter, bool writing) {
        epoll_event event{};
        event.events = EPOLLIN | (writing ? EPOLLOUT : 0U);
        event.data.ptr = &waiter;
        if (::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) != 0)
            (void)::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }
    // Replaces `before`, which the waiter remembers.
    void set_timer(Waiter& waiter, Timestamp& before, Timestamp at) {
        if (before == at) return;
        timers_.erase({before, &waiter});
        if (!at.is_never()) timers_.insert({at, &waiter});
        before = at;
    }
    // What happens within `limit`.
    void run_once(Duration limit) {
        Duration wait = limit;
        if (!timers_.empty()) wait = std::min(wait, timers_.begin()->first - now());
        std::array<epoll_event, 128> events;
        const int count =
            ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                         static_cast<int>(std::max<std::int64_t>(0, (wait.us() + 999) / 1000)));
        for (int i = 0; i < count; ++i)
            static_cast<Waiter*>(events[static_cast<std::size_t>(i)].data.ptr)->on_socket();
        const Timestamp at = now();
        while (!timers_.empty() && timers_.begin()->first <= at) {
            Waiter* const waiter = timers_.begin()->second;
            waiter->on_time();  // moves its timer
        }
    }

  private:
    int epoll_;
    std::set<std::pair<Timestamp, Waiter*>> timers_;
};

// What all clients of a load share.
struct Load {
    LoadLoop loop;
    Rng rng = crypto::seeded_rng();
    srtp::Engine engine;
    std::string fingerprint;
    std::optional<dtls::Context> dtls;
    bool deflate = true;

    Load() {
        const auto certificate = crypto::Certificate::generate(wall());
        if (!certificate) std::abort();
        fingerprint = certificate->sha256_fingerprint();
        auto context = dtls::Context::create(*certificate);
        if (!context) std::abort();
        dtls.emplace(std::move(*context));
    }
};

// A UDP socket of loopback.
class LoadSocket {
  public:
    LoadSocket() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        auto address = worker::to_kernel({IpAddress::v4(INADDR_LOOPBACK), 0});
        if (::bind(fd_, address.get(), address.size) != 0) std::abort();
        address.size = sizeof address.storage;
        (void)::getsockname(fd_, address.get(), &address.size);
        address_ = worker::from_kernel(address.storage);
    }
    ~LoadSocket() { ::close(fd_); }
    LoadSocket(const LoadSocket&) = delete;
    LoadSocket& operator=(const LoadSocket&) = delete;

    int fd() const { return fd_; }
    const SocketAddress& address() const { return address_; }
    void send(const SocketAddress& to, BytesView bytes) const {
        const auto kernel = worker::to_kernel(to);
        (void)::sendto(fd_, bytes.data(), bytes.size(), 0, kernel.get(), kernel.size);
    }
    // take(from, datagram) for all that is there.
    template <typename F>
    void receive(F&& take) const {
        std::array<std::uint8_t, 2048> buffer;
        for (;;) {
            sockaddr_storage from{};
            socklen_t from_size = sizeof from;
            void* const raw = &from;
            const ssize_t size = ::recvfrom(fd_, buffer.data(), buffer.size(), 0,
                                            static_cast<sockaddr*>(raw), &from_size);
            if (size <= 0) return;
            take(worker::from_kernel(from),
                 BytesSpan(buffer).first(static_cast<std::size_t>(size)));
        }
    }

  private:
    int fd_;
    SocketAddress address_;
};

}  // namespace confab::bench
