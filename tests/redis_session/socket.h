// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A socket to a server of this machine, the clock, and how a check fails.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

#include "base/bytes.h"
#include "base/time.h"
#include "redis/session.h"

namespace confab::redis {

inline constexpr Duration kPatience = Duration::seconds(20);
inline constexpr Timing kTiming = {Duration::seconds(2), Duration::seconds(1)};

inline Timestamp clock_now() {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return Timestamp::micros(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

inline void expect(bool holds, const std::string& what) {
    if (!holds) throw std::runtime_error(what);
}

class Socket {
  public:
    explicit Socket(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        // The one cast that sockets ask for.
        const auto* where = reinterpret_cast<const sockaddr*>(&address);
        connected_ = ::connect(socket_, where, sizeof(address)) == 0;
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { ::close(socket_); }

    bool connected() const { return connected_; }

    // Sends what there is and gives what has come within `wait`; false: the server has hung up.
    bool turn(const std::string& output, Duration wait,
              const std::function<void(BytesView)>& take) {
        unsent_ += output;
        pollfd ready{socket_, static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT), 0};
        ::poll(&ready, 1, static_cast<int>(wait.ms()));
        if ((ready.revents & POLLOUT) != 0) {
            const ssize_t sent =
                ::send(socket_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent > 0) unsent_.erase(0, static_cast<std::size_t>(sent));
        }
        if ((ready.revents & (POLLIN | POLLHUP | POLLERR)) == 0) return true;
        std::array<std::uint8_t, 65536> bytes;
        const ssize_t size = ::recv(socket_, bytes.data(), bytes.size(), 0);
        if (size <= 0) return false;
        take(BytesView(bytes).first(static_cast<std::size_t>(size)));
        return true;
    }

  private:
    int socket_;
    bool connected_ = false;
    std::string unsent_;
};

}  // namespace confab::redis
