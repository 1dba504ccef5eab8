// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// WebSocket: what happens after each input, and the reads and writes of the stream.
#include <exception>
#include <utility>
#include <vector>

#include "runtime/net/websocket/websocket_impl.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

namespace confab::net {

using websocket::Session;

namespace {

constexpr std::size_t kReadChunk = 16 * 1024;
// Of one read; what is behind them waits for the next turn, so that others have theirs.
constexpr std::size_t kMaxFramesAtOnce = 64;
constexpr std::uint16_t kInternalError = 1011;

}  // namespace

// Handlers are never called inside a call of the owner, and what is sent within a turn of the loop
// goes with one write.
void WebSocket::Impl::wake() {
    if (std::exchange(awake_, true)) return;
    asio::post(context_of(loop_), [self = shared_from_this()] {
        self->awake_ = false;
        self->turn();
    });
}

void WebSocket::Impl::turn() {
    if (!unread_.empty() && !is_held()) {
        const std::string received = std::exchange(unread_, {});
        take(as_bytes(received));
    }
    tell();
    write();
    follow_link();
    tell();  // close() is told of when the connection has ended
    read();
    set_timer();
    count_queued();
}

bool WebSocket::Impl::is_held() const {
    // When the connection is to end, the peer's close frame is wanted.
    return session_.is_open() && EventLoop::now() < hold_until_;
}

// Begins with one frame in any case: a read was under way when the hold came.
void WebSocket::Impl::take(BytesView received) {
    for (std::size_t frames = 0; !received.empty() && frames < kMaxFramesAtOnce; ++frames) {
        if (frames > 0 && is_held()) break;
        session_.handle_bytes(EventLoop::now(), received);
        tell();
        session_.release();
    }
    if (received.empty()) return;
    unread_ = as_text(received);
    wake();
}

void WebSocket::Impl::tell() {
    while (const auto event = session_.poll_event()) {
        if (event->closed)
            tell_closed(*event->closed);
        else
            tell_message(*event);
    }
}

void WebSocket::Impl::tell_message(const Session::Event& message) {
    const std::shared_ptr<Handlers> hold = handlers_;  // the handle may go in the call
    if (!hold || !hold->on_message) return;
    try {
        hold->on_message(message.text, message.payload);
    } catch (const std::exception& error) {  // one session that fails, not all (01 CON-02)
        ++stats_->handler_failures;
        loop_.report_failure(error.what());
        session_.fail(kInternalError);
    }
}

void WebSocket::Impl::tell_closed(WebSocketClosed closed) {
    if (closed.by == WebSocketEnd::kOverflow) ++stats_->websocket_queue_overflows;
    if (closed.by == WebSocketEnd::kWriteTimeout) ++stats_->websocket_write_timeouts;
    if (closed.by == WebSocketEnd::kTooBig) ++stats_->websocket_oversize;
    leave();
    const std::shared_ptr<Handlers> hold = std::exchange(handlers_, nullptr);
    if (!hold || !hold->on_closed) return;
    try {
        hold->on_closed(closed);
    } catch (const std::exception& error) {  // what is left of the connection still ends in order
        ++stats_->handler_failures;
        loop_.report_failure(error.what());
    }
}

void WebSocket::Impl::write() {
    const std::vector<BytesView> pieces = session_.poll_transmit(EventLoop::now());
    stats_->websocket_deflated += session_.take_deflated();
    if (pieces.empty()) return;
    std::vector<asio::const_buffer> buffers;
    buffers.reserve(pieces.size());
    for (const BytesView piece : pieces)
        buffers.emplace_back(piece.data(), piece.size());
    asio::async_write(stream_, buffers,
                      [self = shared_from_this()](const ErrorCode& error, std::size_t) {
                          if (error)
                              self->session_.handle_end();
                          else
                              self->session_.handle_written(EventLoop::now());
                          self->turn();
                      });
}

void WebSocket::Impl::follow_link() {
    if (session_.link() == Session::Link::kShut && !std::exchange(shut_, true))
        stream_.shutdown_send();
    if (session_.link() == Session::Link::kCut && stream_.is_open()) stream_.close();
}

void WebSocket::Impl::read() {
    if (reading_ || !unread_.empty() || is_held() || !stream_.is_open()) return;
    asio::mutable_buffer space(room_.data(), room_.size());
    if (filled_ || session_.missing_bytes() > room_.size()) {
        if (!large_room_) large_room_ = std::make_unique_for_overwrite<std::uint8_t[]>(kReadChunk);
        space = {large_room_.get(), kReadChunk};
    } else {
        large_room_.reset();
    }
    reading_ = true;
    stream_.async_read_some(
        space, [self = shared_from_this(), space](const ErrorCode& error, std::size_t size) {
            self->reading_ = false;
            self->filled_ = size == space.size();
            if (error)
                self->session_.handle_end();
            else
                self->take({static_cast<const std::uint8_t*>(space.data()), size});
            self->turn();
        });
}

void WebSocket::Impl::set_timer() {
    if (!stream_.is_open()) return timer_.cancel();
    Timestamp next = session_.next_deadline();
    if (is_held()) next = earlier(next, hold_until_);
    // An earlier one finds that nothing is due and sets the next.
    if (next >= armed_) return;
    armed_ = next;
    timer_.set(next, [this] {
        const std::shared_ptr<Impl> hold = shared_from_this();
        armed_ = Timestamp::never();
        session_.handle_timeout(EventLoop::now());
        turn();
    });
}

}  // namespace confab::net
