// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A WebSocket behind its handle: the stream and the clock of a websocket::Session. No coroutines
// and no buffer of its own for long messages: an idle connection holds one short read and one
// timer. Included by .cc files only.
#pragma once

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <array>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "runtime/net/event_loop_impl.h"
#include "runtime/net/websocket/websocket.h"
#include "runtime/net/websocket/websocket_start.h"
#include "websocket/session.h"

namespace confab::net {

class WebSocket::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(EventLoop& loop, Stream stream, WebSocketStart start, const WebSocketOptions& options,
         std::shared_ptr<HttpServerStats> stats);
    ~Impl();

    void start() { wake(); }
    void set_handlers(OnMessage on_message, OnClosed on_closed);
    bool send(bool text, std::shared_ptr<const WebSocketMessage> message);
    void close(std::uint16_t code, Duration grace);
    void cut();
    void detach();
    void hold_reading(Timestamp until);
    bool is_open() const { return session_.is_open(); }
    std::size_t queued_bytes() const { return session_.queued_bytes(); }

  private:
    struct Handlers {
        OnMessage on_message;
        OnClosed on_closed;
    };

    void wake();
    void turn();
    void take(BytesView received);
    void tell();
    void tell_message(const websocket::Session::Event& message);
    void tell_closed(WebSocketClosed closed);
    void write();
    void follow_link();
    void read();
    void set_timer();
    bool is_held() const;
    bool is_crowded(std::size_t more);
    void count_queued();
    void leave();

    EventLoop& loop_;
    std::shared_ptr<HttpServerStats> stats_;
    std::shared_ptr<void> place_;
    Stream stream_;
    websocket::Session session_;
    Duration write_timeout_;
    std::size_t max_total_queued_bytes_;
    Duration crowded_write_timeout_;
    EventLoop::Timer timer_;
    Timestamp armed_ = Timestamp::never();
    std::array<std::uint8_t, 256> room_{};  // for a read, until one has filled it
    std::unique_ptr<std::uint8_t[]> large_room_;
    std::string unread_;  // received and not looked at: what came with the request, or a hold
    std::shared_ptr<Handlers> handlers_;
    std::size_t counted_bytes_ = 0;  // of ours in the server's sum
    Timestamp hold_until_;
    bool filled_ = false;  // the last read
    bool reading_ = false;
    bool awake_ = false;  // turn() is to come
    bool shut_ = false;
    bool counted_ = true;
};

}  // namespace confab::net
