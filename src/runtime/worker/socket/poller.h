// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which descriptors of a media worker have something to do: the only place that knows what the
// kernel offers for it (epoll, level-triggered; 02 DES-04).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/time.h"
#include "runtime/worker/socket/file_descriptor.h"

namespace confab::worker {

class Poller {
  public:
    static constexpr std::size_t kMaxReady = 64;  // of one wait(); the others with the next

    struct Interest {
        bool readable = true;
        bool writable = false;
    };
    struct Ready {
        std::uint64_t tag = 0;
        bool readable = false;  // the end of a stream and its errors too: reading tells them
        bool writable = false;
    };

    Poller();
    Poller(Poller&&) noexcept;
    Poller& operator=(Poller&&) noexcept;
    ~Poller();

    // `tag` comes back with what is ready. False if the kernel takes no more (errno says why). A
    // descriptor that is closed is watched no longer.
    bool add(int fd, std::uint64_t tag, Interest interest);
    bool add(int fd, std::uint64_t tag) { return add(fd, tag, Interest()); }
    void modify(int fd, std::uint64_t tag, Interest interest);
    void remove(int fd);

    // Sleeps until something is ready, at most so long; zero only looks. Valid until the next call;
    // empty after a signal too.
    std::span<const Ready> wait(Duration timeout);

  private:
    struct Events;
    int wait_for_events(Duration timeout);

    FileDescriptor fd_;
    bool precise_ = true;  // the kernel takes times below a millisecond
    std::unique_ptr<Events> events_;
    std::array<Ready, kMaxReady> ready_;
};

}  // namespace confab::worker
