// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/websocket/websocket.h"

#include <poll.h>

#include "runtime/net/websocket/websocket_impl.h"

namespace confab::net {

namespace websocket = boost::beast::websocket;

WebSocket::Impl::Impl(EventLoop& loop, Stream stream, WebSocketStart start,
                      const WebSocketOptions& options, std::shared_ptr<HttpServerStats> stats)
    : loop_(loop),
      start_(std::move(start)),
      options_(options),
      stats_(std::move(stats)),
      place_(std::move(start_.place)),
      stream_(WebSocketTransport(std::move(stream), std::move(start_.received))),
      watchdog_(loop),
      wake_(context_of(loop)),
      hold_(context_of(loop)) {
    ++stats_->websockets;
    ++stats_->websockets_open;
}

void WebSocket::Impl::leave() {
    if (std::exchange(counted_, false)) --stats_->websockets_open;
}

void WebSocket::Impl::set_stream_options() {
    websocket::permessage_deflate deflate;
    deflate.server_enable = options_.deflate;
    // Without context takeover a connection that is silent holds no window, and what we compress
    // does for all. Beast agrees on it and decompresses.
    deflate.server_no_context_takeover = true;
    deflate.client_no_context_takeover = true;
    stream_.set_option(deflate);
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = std::chrono::microseconds(options_.handshake_timeout.us());
    timeout.idle_timeout = websocket::stream_base::none();
    timeout.keep_alive_pings = false;
    stream_.set_option(timeout);
    stream_.read_message_max(0);  // take_message() has the two limits
    ErrorCode ignored;
    stream_.next_layer().socket().set_option(tcp::no_delay(true), ignored);
}

void WebSocket::Impl::start() {
    set_stream_options();
    asio::co_spawn(context_of(loop_), run(shared_from_this()), Rethrow{});
}

void WebSocket::Impl::set_handlers(OnMessage on_message, OnClosed on_closed) {
    if (notified_) return;
    handlers_ = std::make_shared<Handlers>();
    handlers_->on_message = std::move(on_message);
    handlers_->on_closed = std::move(on_closed);
}

bool WebSocket::Impl::overflows(std::size_t more) {
    const std::size_t limit = options_.max_queued_bytes;
    if (more > limit - std::min(queued_bytes_, limit)) return true;
    if (stats_->websocket_queued_bytes + more <= options_.max_total_queued_bytes) return false;
    const bool slow = !write_deadline_.is_never() &&
                      EventLoop::now() - write_began_ >= options_.crowded_write_timeout;
    return slow && !takes_bytes();
}

// Asked of the system: with much to do, this thread may not have seen yet that a write is done.
bool WebSocket::Impl::takes_bytes() {
    pollfd socket{stream_.next_layer().socket().native_handle(), POLLOUT, 0};
    return ::poll(&socket, 1, 0) > 0;
}

void WebSocket::Impl::set_queued(std::size_t bytes) {
    stats_->websocket_queued_bytes += bytes;
    stats_->websocket_queued_bytes -= queued_bytes_;
    queued_bytes_ = bytes;
}

bool WebSocket::Impl::send(bool text, std::shared_ptr<const WebSocketMessage> message) {
    // An oversize message ends reading, not yet writing.
    const bool writable = !end_ || (end_->by == WebSocketEnd::kTooBig && !close_code_);
    if (!writable) return false;
    if (overflows(message->size)) {
        ++stats_->websocket_queue_overflows;
        end(WebSocketEnd::kOverflow, 1006);
        queue_.clear();
        set_queued(0);
        cut();
        return false;
    }
    set_queued(queued_bytes_ + message->size);
    queue_.push_back({text, std::move(message)});
    wake_.cancel();
    return true;
}

void WebSocket::Impl::begin_close(std::uint16_t code, Duration grace) {
    if (close_code_) return;
    close_code_ = code;
    close_deadline_ = EventLoop::now() + grace;
    if (!write_deadline_.is_never()) arm(earlier(write_deadline_, close_deadline_));
    wake_.cancel();
}

void WebSocket::Impl::close(std::uint16_t code, Duration grace) {
    if (end_) return;
    end(WebSocketEnd::kUs, code);
    begin_close(code, grace);
}

void WebSocket::Impl::cut_off() {
    end(WebSocketEnd::kUs, 1006);
    queue_.clear();
    set_queued(0);
    cut();
}

void WebSocket::Impl::detach() {
    handlers_ = nullptr;
    close(1000, options_.write_timeout);
}

WebSocket::WebSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebSocket::~WebSocket() {
    impl_->detach();
}
void WebSocket::set_handlers(OnMessage on_message, OnClosed on_closed) {
    impl_->set_handlers(std::move(on_message), std::move(on_closed));
}
bool WebSocket::send(bool text, std::string payload) {
    return send(text, std::make_shared<const WebSocketMessage>(std::move(payload)));
}
bool WebSocket::send(bool text, std::shared_ptr<const WebSocketMessage> message) {
    return impl_->send(text, std::move(message));
}
std::size_t WebSocket::queued_bytes() const {
    return impl_->queued_bytes();
}
void WebSocket::hold_reading(Timestamp until) {
    impl_->hold_reading(until);
}
void WebSocket::close(std::uint16_t code, Duration grace) {
    impl_->close(code, grace);
}
void WebSocket::cut() {
    impl_->cut_off();
}
bool WebSocket::is_open() const {
    return impl_->is_open();
}

std::unique_ptr<WebSocket> start_websocket(EventLoop& loop, Stream stream, WebSocketStart start,
                                           const WebSocketOptions& options,
                                           std::shared_ptr<HttpServerStats> stats) {
    auto impl = std::make_shared<WebSocket::Impl>(loop, std::move(stream), std::move(start),
                                                  options, std::move(stats));
    impl->start();
    return std::make_unique<WebSocket>(std::move(impl));
}

}  // namespace confab::net
