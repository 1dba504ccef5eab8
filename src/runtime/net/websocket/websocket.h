// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Server side of a WebSocket connection (RFC 6455, permessage-deflate of RFC 7692; 01 CON-41…45).
// A handle: destroying it closes the connection with 1000 once what is queued has been written, and
// no handler is called any more. Handlers are called from the loop, never inside a call of ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "websocket/message.h"
#include "websocket/session.h"

namespace confab::net {

using WebSocketMessage = websocket::Message;
using WebSocketPart = websocket::MessagePart;
using WebSocketEnd = websocket::SessionEnd;
using WebSocketClosed = websocket::SessionClosed;

struct WebSocketOptions : websocket::SessionOptions {
    // Queued by all connections of a server together; beyond that, one whose write has taken longer
    // than crowded_write_timeout is cut: many who do not read may not add up either (08 IMM-15).
    std::size_t max_total_queued_bytes = 64 * 1024 * 1024;
    Duration crowded_write_timeout = Duration::millis(500);
};

class WebSocket {
  public:
    using OnMessage = std::function<void(bool text, std::string_view payload)>;
    using OnClosed = std::function<void(WebSocketClosed)>;

    class Impl;
    explicit WebSocket(std::shared_ptr<Impl> impl);
    ~WebSocket();
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;

    // To be set in the turn that accepted it. on_closed comes once, as soon as no message can come
    // any more; it may destroy the handle, and so may on_message. After kTooBig, messages sent
    // within on_closed still go out.
    void set_handlers(OnMessage on_message, OnClosed on_closed);

    // Queued until the handshake is over. False if the connection is closing or gone, or goes now
    // because too much is queued.
    bool send(bool text, std::string payload);
    // The same for one that goes to several connections: it is kept and compressed once (08
    // IMM-15).
    bool send(bool text, std::shared_ptr<const WebSocketMessage> message);
    std::size_t queued_bytes() const;

    // Leaves the peer's messages unread until then (08 IMM-15); a later call may shorten the wait.
    // Its close frame waits, too, a lost connection is found by the next write.
    void hold_reading(Timestamp until);

    // Writes what is queued, for at most `grace`, then the close frame, none with 1006; messages of
    // the peer are dropped from now on.
    void close(std::uint16_t code, Duration grace = Duration::seconds(5));
    // At once and without a close frame: the peer sees 1006. on_closed comes.
    void cut();
    bool is_open() const;

  private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace confab::net
