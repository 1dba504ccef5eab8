// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// WebSocket: the queue of messages, pings and the close frame.
#include "runtime/net/websocket/websocket_impl.h"

namespace confab::net {

namespace websocket = boost::beast::websocket;

namespace {

constexpr Duration kCloseTimeout = Duration::seconds(1);  // for the close frame of the peer

}  // namespace

asio::awaitable<void> WebSocket::Impl::write_loop(std::shared_ptr<Impl> self) {
    next_ping_ = EventLoop::now() + options_.ping_interval;
    bool alive = true;
    while (alive && !peer_closed_ && stream_.next_layer().socket().is_open()) {
        if (!queue_.empty() && EventLoop::now() < close_deadline_) {
            alive = co_await write_next();
        } else if (close_code_) {
            co_await write_close();
            alive = false;
        } else if (EventLoop::now() >= next_ping_) {
            alive = co_await write_ping();
        } else {
            co_await wait_for_work();
        }
    }
    queue_.clear();
    set_queued(0);
    // After a close frame of the peer the reader still writes the answer and tears down.
    if (!peer_closed_) cut();
    self.reset();
}

asio::awaitable<bool> WebSocket::Impl::write_next() {
    const Message message = std::move(queue_.front());
    queue_.pop_front();
    stream_.text(message.text);
    stream_.compress(message.compress);
    write_began_ = EventLoop::now();
    write_deadline_ = write_began_ + options_.write_timeout;
    arm(earlier(write_deadline_, close_deadline_));
    const auto [error, size] =
        co_await stream_.async_write(asio::buffer(*message.payload), use_result);
    write_deadline_ = Timestamp::never();
    watchdog_.cancel();
    set_queued(queued_bytes_ - std::min(queued_bytes_, message.payload->size()));
    co_return !error;
}

asio::awaitable<bool> WebSocket::Impl::write_ping() {
    next_ping_ = EventLoop::now() + options_.ping_interval;
    write_began_ = EventLoop::now();
    write_deadline_ = write_began_ + options_.ping_write_timeout;
    arm(earlier(write_deadline_, close_deadline_));
    const websocket::ping_data empty;
    const auto [error] = co_await stream_.async_ping(empty, use_result);
    write_deadline_ = Timestamp::never();
    watchdog_.cancel();
    co_return !error;
}

asio::awaitable<void> WebSocket::Impl::write_close() {
    arm(EventLoop::now() + kCloseTimeout);
    const websocket::close_reason reason(*close_code_);
    (void)co_await stream_.async_close(reason, use_result);
    watchdog_.cancel();
}

asio::awaitable<void> WebSocket::Impl::wait_for_work() {
    wake_.expires_at(to_steady(next_ping_));
    (void)co_await wake_.async_wait(use_result);
}

void WebSocket::Impl::arm(Timestamp deadline) {
    watchdog_.set(deadline, [this] {
        if (!end_) ++stats_->websocket_write_timeouts;
        end(WebSocketEnd::kWriteTimeout, 1006);
        cut();
    });
}

void WebSocket::Impl::cut() {
    stream_.next_layer().close();
    wake_.cancel();
    hold_.cancel();
}

}  // namespace confab::net
