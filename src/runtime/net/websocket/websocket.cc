// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/websocket/websocket.h"

#include <poll.h>

#include <algorithm>

#include "base/text.h"
#include "runtime/net/websocket/websocket_impl.h"

namespace confab::net {

namespace {

// Longer ones say nothing that a handshake needs.
constexpr std::size_t kMaxExtensions = 4096;

std::string extensions_of(const HttpHeaders& headers) {
    std::string all;
    for (const HttpHeader& header : headers)
        if (equals_ignore_case(header.name, "Sec-WebSocket-Extensions") &&
            all.size() + header.value.size() < kMaxExtensions)
            all += (all.empty() ? "" : ",") + header.value;
    return all;
}

websocket::Handshake handshake_of(const WebSocketStart& start, const WebSocketOptions& options) {
    const std::string extensions = extensions_of(start.request_headers);
    std::string lines;
    for (const HttpHeader& header : start.response_headers)
        if (is_writable(header)) lines += header.name + ": " + header.value + "\r\n";
    return websocket::answer_handshake(
        {start.request_headers.find("Sec-WebSocket-Key"),
         start.request_headers.find("Sec-WebSocket-Version"), extensions},
        lines, options.deflate);
}

}  // namespace

WebSocket::Impl::Impl(EventLoop& loop, Stream stream, WebSocketStart start,
                      const WebSocketOptions& options, std::shared_ptr<HttpServerStats> stats)
    : loop_(loop),
      stats_(std::move(stats)),
      place_(std::move(start.place)),
      stream_(std::move(stream)),
      session_(options, handshake_of(start, options), EventLoop::now()),
      write_timeout_(options.write_timeout),
      max_total_queued_bytes_(options.max_total_queued_bytes),
      crowded_write_timeout_(options.crowded_write_timeout),
      timer_(loop),
      unread_(std::move(start.received)) {
    ++stats_->websockets;
    ++stats_->websockets_open;
    ErrorCode ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
}

WebSocket::Impl::~Impl() {
    stats_->websocket_queued_bytes -= counted_bytes_;
    leave();
}

void WebSocket::Impl::leave() {
    if (std::exchange(counted_, false)) --stats_->websockets_open;
}

void WebSocket::Impl::set_handlers(OnMessage on_message, OnClosed on_closed) {
    if (!counted_) return;  // its end was told
    handlers_ = std::make_shared<Handlers>();
    handlers_->on_message = std::move(on_message);
    handlers_->on_closed = std::move(on_closed);
}

// Many who do not read may not add up to more than all may have together (08 IMM-15).
bool WebSocket::Impl::is_crowded(std::size_t more) {
    if (stats_->websocket_queued_bytes + more <= max_total_queued_bytes_) return false;
    if (session_.writing_for(EventLoop::now()) < crowded_write_timeout_) return false;
    // Asked of the system: with much to do, this thread may not have seen yet that a write is done.
    pollfd socket{stream_.socket().native_handle(), POLLOUT, 0};
    return ::poll(&socket, 1, 0) <= 0;
}

bool WebSocket::Impl::send(bool text, std::shared_ptr<const WebSocketMessage> message) {
    const bool crowded = session_.is_open() && is_crowded(message->size);
    if (crowded) session_.cut(WebSocketEnd::kOverflow);
    const bool sent = session_.send(text, std::move(message));
    count_queued();
    wake();
    return sent;
}

void WebSocket::Impl::close(std::uint16_t code, Duration grace) {
    session_.close(EventLoop::now(), code, grace);
    wake();
}

void WebSocket::Impl::cut() {
    session_.cut(WebSocketEnd::kUs);
    count_queued();
    wake();
}

void WebSocket::Impl::detach() {
    handlers_ = nullptr;
    close(1000, write_timeout_);
}

void WebSocket::Impl::hold_reading(Timestamp until) {
    hold_until_ = until;
    wake();
}

void WebSocket::Impl::count_queued() {
    stats_->websocket_queued_bytes += session_.queued_bytes();
    stats_->websocket_queued_bytes -= counted_bytes_;
    counted_bytes_ = session_.queued_bytes();
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
    impl_->cut();
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
