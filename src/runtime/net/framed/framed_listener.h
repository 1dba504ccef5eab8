// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Messages of a protocol that says itself where each of them ends, over TLS or plain TCP (TURN is
// one, RFC 8656 §3.1): takes connections, cuts what comes into messages and sends what goes out.
// Only for the thread of its loop.
//
// What a client does not take waits for a moment (Backlog), message by message: sound before
// pictures, and little of it where no order is known any more. A client that its owner does not
// know ends after kPatience.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/limits/backlog.h"
#include "base/net_address.h"
#include "base/result.h"
#include "base/time.h"
#include "runtime/net/detached_stream.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/tls/tls_context.h"

namespace confab::net {

// One connection.
struct FramedClient {
    SocketAddress local;
    SocketAddress remote;
    std::uint32_t stream = 0;  // its number, never 0

    bool operator==(const FramedClient&) const = default;
};

// The message at the start of what came.
struct FramedMessage {
    enum class State : std::uint8_t { kWhole, kMore, kInvalid };
    State state = State::kMore;
    std::size_t size = 0;  // with kWhole
};

struct FramedListenerOptions {
    TlsContext tls;  // none: it is ended elsewhere
    std::size_t max_connections = 10'000;
    std::size_t max_connections_per_address = 1'000;
};

struct FramedCounters {
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;  // no place in the table
    std::uint64_t failed_handshakes = 0;
    std::uint64_t dropped = 0;  // messages to a client that was too slow
};

class FramedListener {
  public:
    static constexpr Duration kPatience = Duration::seconds(30);  // for TLS, and to be known
    static constexpr std::size_t kMaxMessage = 65'536 + 4;
    // Octets that are written at once, and as many that the kernel may hold without sending them.
    static constexpr std::size_t kMaxWrite = 16 * 1024;

    // What the listener asks and tells.
    struct Handlers {
        std::function<FramedMessage(BytesView stream, bool known)> next_message;
        std::function<void(const FramedClient&, BytesView message)> message;
        std::function<void(const FramedClient&)> closed;
        std::function<bool(const FramedClient&)> is_known;  // has shown a password
    };

    FramedListener(EventLoop& loop, const FramedListenerOptions& options, Handlers handlers);
    ~FramedListener();

    // The address bound; the error names address and reason.
    Result<SocketAddress, std::string> listen(const SocketAddress& address);
    // One that another listener accepted, with its TLS if it has any.
    void adopt(AcceptedStream accepted);
    // For connections that come from now on, where there is TLS; others go on.
    void set_certificates(TlsContext tls);
    void send(std::uint32_t stream, BytesView message, Urgency urgency = Urgency::kFirst);
    std::size_t connections() const;
    const FramedCounters& counters() const;

  private:
    struct Impl;

    std::unique_ptr<Impl> impl_;
};

}  // namespace confab::net
