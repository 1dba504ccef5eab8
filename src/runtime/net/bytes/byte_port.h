// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Plain TCP connections by number, dialled and accepted, that carry bytes: for protocols that are
// machines of their own (cluster/relay/link/link.h). Only for the thread of its loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/result.h"
#include "base/time.h"
#include "runtime/net/bytes/acknowledged.h"
#include "runtime/net/event_loop.h"

namespace confab::net {

class BytePort {
  public:
    using Number = std::uint64_t;  // of a connection, never used again
    // Each is called from the loop, and never inside a call of this.
    struct Handlers {
        std::function<void(Number)> on_accepted;
        std::function<void(Number)> on_connected;  // one that was dialled
        std::function<void(Number, BytesView)> on_bytes;
        // The last one. `refused`: whoever is at that address has no such port (any more).
        std::function<void(Number, bool refused)> on_closed;
    };
    BytePort(EventLoop& loop, Handlers handlers);
    ~BytePort();  // closes all
    BytePort(const BytePort&) = delete;
    BytePort& operator=(const BytePort&) = delete;

    // The address bound; port 0 is any free one. The error names address and reason.
    Result<SocketAddress, std::string> listen(const SocketAddress& address);
    Number dial(const SocketAddress& to, Duration timeout);

    // Goes out behind what waits already. Numbers that are no more do no harm.
    void write(Number number, std::string bytes);
    // Bytes that the system has not taken yet.
    std::size_t unsent(Number number) const;
    // Of what was written. None: the system does not say, or the connection is no more.
    std::optional<Acknowledged> acknowledged(Number number) const;
    // Nothing of it is told any more.
    void cut(Number number);

  private:
    class Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace confab::net
