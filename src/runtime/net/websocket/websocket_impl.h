// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A WebSocket behind its handle: websocket_read.cc reads, websocket_write.cc writes, two coroutines
// on one stream. Included by .cc files only.
#pragma once

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/net/event_loop_impl.h"
#include "runtime/net/websocket/websocket.h"
#include "runtime/net/websocket/websocket_start.h"
#include "runtime/net/websocket/websocket_transport.h"

namespace confab::net {

class WebSocket::Impl : public std::enable_shared_from_this<Impl> {
  public:
    Impl(EventLoop& loop, Stream stream, WebSocketStart start, const WebSocketOptions& options,
         std::shared_ptr<HttpServerStats> stats);
    ~Impl() {
        set_queued(0);
        leave();
    }

    void start();
    void set_handlers(OnMessage on_message, OnClosed on_closed);
    bool send(bool text, std::shared_ptr<const WebSocketMessage> message);
    void close(std::uint16_t code, Duration grace);
    void cut_off();
    void detach();
    void hold_reading(Timestamp until);
    bool is_open() const { return !end_; }
    std::size_t queued_bytes() const { return queued_bytes_; }

  private:
    struct Message {
        bool text = false;
        std::shared_ptr<const WebSocketMessage> message;
    };
    struct Handlers {
        OnMessage on_message;
        OnClosed on_closed;
    };

    void set_stream_options();
    asio::awaitable<void> run(std::shared_ptr<Impl> self);
    asio::awaitable<void> write_loop(std::shared_ptr<Impl> self);
    asio::awaitable<bool> handshake();
    asio::awaitable<bool> write_queued();
    asio::awaitable<bool> write_ping();
    asio::awaitable<void> write_close();
    bool fell_silent();
    asio::awaitable<void> wait_for_work();
    asio::awaitable<void> wait_to_read();
    bool take_message();
    void deliver_message();
    void on_close_frame();
    void end(WebSocketEnd by, std::uint16_t code);
    void begin_close(std::uint16_t code, Duration grace);
    void notify();
    bool overflows(std::size_t more);
    bool takes_bytes();
    void set_queued(std::size_t bytes);
    void arm(Timestamp deadline);
    void cut();
    void leave();

    EventLoop& loop_;
    WebSocketStart start_;
    WebSocketOptions options_;
    std::shared_ptr<HttpServerStats> stats_;
    std::shared_ptr<void> place_;
    boost::beast::websocket::stream<WebSocketTransport> stream_;
    EventLoop::Timer watchdog_;  // cuts the connection when a write takes too long
    asio::steady_timer wake_;    // its cancellation wakes write_loop()
    asio::steady_timer hold_;    // its cancellation wakes wait_to_read()
    boost::beast::flat_buffer message_;
    std::deque<Message> queue_;
    std::size_t queued_bytes_ = 0;
    std::shared_ptr<Handlers> handlers_;
    std::optional<WebSocketClosed> end_;  // why no message comes any more
    std::optional<std::uint16_t> close_code_;
    Timestamp close_deadline_ = Timestamp::never();
    Timestamp write_began_;
    Timestamp write_deadline_ = Timestamp::never();
    Timestamp next_ping_ = Timestamp::never();
    Timestamp hold_until_;
    Timestamp heard_at_;     // the last frame of the peer
    bool deflates_ = false;  // both sides agreed on it
    bool peer_closed_ = false;
    bool notified_ = false;
    bool counted_ = true;
};

}  // namespace confab::net
