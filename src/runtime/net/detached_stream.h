// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A connection between two loops, or on its way to whoever speaks its protocol: Stream::detach()
// makes it, the constructor of another Stream takes it. Non-blocking; closed if nobody takes it.
#pragma once

#include <unistd.h>

#include <memory>
#include <utility>

#include "base/net_address.h"
#include "runtime/net/tls/tls_session.h"

namespace confab::net {

class DetachedStream {
  public:
    DetachedStream(bool is_v6, int fd, std::unique_ptr<TlsSession> tls)
        : is_v6_(is_v6), fd_(fd), tls_(std::move(tls)) {}
    DetachedStream(DetachedStream&& other) noexcept
        : is_v6_(other.is_v6_), fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}
    DetachedStream& operator=(DetachedStream&&) = delete;
    ~DetachedStream() {
        if (fd_ >= 0) ::close(fd_);
    }

    bool is_v6() const { return is_v6_; }  // the family of the socket
    int fd() const { return fd_; }
    // The caller's from now on.
    int release_fd() { return std::exchange(fd_, -1); }
    std::unique_ptr<TlsSession> take_tls() { return std::move(tls_); }

  private:
    bool is_v6_;
    int fd_;
    std::unique_ptr<TlsSession> tls_;  // null: plain
};

// One that somebody else accepted.
struct AcceptedStream {
    DetachedStream stream;
    SocketAddress local;
    SocketAddress remote;
};

}  // namespace confab::net
