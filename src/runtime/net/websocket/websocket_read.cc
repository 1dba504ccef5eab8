// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// WebSocket: the handshake, then messages one after the other.
#include <array>
#include <exception>

#include "runtime/net/websocket/websocket_impl.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>

#include "base/text.h"

namespace confab::net {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

namespace {

constexpr std::size_t kReadChunk = 64 * 1024;
constexpr std::size_t kKeepBuffer = 4 * 1024;
// Frame headers, and bytes the stream had read ahead, are no part of the wire size we compare.
constexpr std::size_t kReadAhead = 4096;
constexpr std::uint16_t kInternalError = 1011;
constexpr std::uint16_t kTooBigOnWire = 1009;
constexpr std::uint16_t kTooBigInflated = 1000;

// All that the handshake looks at (RFC 6455 §4.2.1). Beast's containers throw at header lines of
// 64 KiB, which clients may send, so nothing else goes in and nothing that long.
constexpr std::array<std::string_view, 6> kHandshakeHeaders = {"Host",
                                                               "Connection",
                                                               "Upgrade",
                                                               "Sec-WebSocket-Key",
                                                               "Sec-WebSocket-Version",
                                                               "Sec-WebSocket-Extensions"};
constexpr std::size_t kMaxHandshakeHeader = 4096;

// What is compressed for all has the whole window; who can only read a smaller one is sent
// everything plain, which may be decided for each message (RFC 7692 §7.1.2.1, §6).
bool agrees_on_deflate(std::string_view extensions) {
    return extensions.starts_with("permessage-deflate") &&
           extensions.find("server_max_window_bits") == std::string_view::npos;
}

template <typename Request>
void copy_header(const HttpHeaders& from, std::string_view name, Request& to) {
    for (const HttpHeader& header : from)
        if (equals_ignore_case(header.name, name) && header.value.size() <= kMaxHandshakeHeader)
            to.insert(name, header.value);
}

}  // namespace

asio::awaitable<bool> WebSocket::Impl::handshake() {
    const auto add_headers =
        [this, headers = std::move(start_.response_headers)](websocket::response_type& response) {
            deflates_ = agrees_on_deflate(response[beast::http::field::sec_websocket_extensions]);
            for (const HttpHeader& header : headers)
                if (is_writable(header)) response.insert(header.name, header.value);
        };
    stream_.set_option(websocket::stream_base::decorator(add_headers));
    beast::http::request<beast::http::empty_body> request;
    request.method(beast::http::verb::get);
    request.target("/");
    request.version(11);
    for (const std::string_view name : kHandshakeHeaders)
        copy_header(start_.request_headers, name, request);
    const auto [error] = co_await stream_.async_accept(request, use_result);
    start_ = {};
    co_return !error;
}

asio::awaitable<void> WebSocket::Impl::run(std::shared_ptr<Impl> self) {
    const bool accepted = co_await handshake();
    if (!accepted) {
        end(WebSocketEnd::kError, 1006);
        cut();
    } else {
        // The callback lives in the stream, so it may not hold the owner.
        heard_at_ = EventLoop::now();
        stream_.control_callback([this](websocket::frame_type kind, beast::string_view) {
            heard_at_ = EventLoop::now();
            if (kind == websocket::frame_type::close) on_close_frame();
        });
        asio::co_spawn(context_of(loop_), write_loop(self), Rethrow{});
        stream_.next_layer().restart_count();
        bool more = true;
        while (more) {
            const auto [error, size] =
                co_await stream_.async_read_some(message_, kReadChunk, use_result);
            if (error) {
                end(WebSocketEnd::kError, 1006);
                cut();
            }
            heard_at_ = EventLoop::now();
            more = !error && take_message();
            if (more) co_await wait_to_read();
        }
    }
    notify();
    self.reset();
}

// Reading goes on at once when the connection is to end: the peer's close frame is wanted then.
asio::awaitable<void> WebSocket::Impl::wait_to_read() {
    while (!end_ && EventLoop::now() < hold_until_) {
        // The clock of the timer cannot say "never".
        const Timestamp look_again = EventLoop::now() + Duration::seconds(3600);
        hold_.expires_at(to_steady(earlier(hold_until_, look_again)));
        (void)co_await hold_.async_wait(use_result);
    }
}

void WebSocket::Impl::hold_reading(Timestamp until) {
    hold_until_ = until;
    hold_.cancel();
}

// Looks at what has been received of a message; false if nothing more is to be read.
bool WebSocket::Impl::take_message() {
    const std::size_t limit = options_.max_message_bytes;
    if (end_) {
        message_.clear();  // closing: the rest is read only to find the close frame
    } else if (limit != 0 && message_.size() > limit) {
        ++stats_->websocket_oversize;
        const bool on_wire = stream_.next_layer().count() + kReadAhead > limit;
        const std::uint16_t code = on_wire ? kTooBigOnWire : kTooBigInflated;
        end(WebSocketEnd::kTooBig, code);
        notify();  // before the close is queued: a last message still gets out (CON-45)
        begin_close(code, options_.error_grace);
        return false;
    }
    if (!stream_.is_message_done()) return true;
    if (!end_) deliver_message();
    message_.clear();
    if (message_.capacity() > kKeepBuffer) message_.shrink_to_fit();
    stream_.next_layer().restart_count();
    return true;
}

void WebSocket::Impl::deliver_message() {
    const std::shared_ptr<Handlers> hold = handlers_;  // the handle may go in the call
    if (!hold || !hold->on_message) return;
    const auto data = message_.data();
    const std::string_view payload(static_cast<const char*>(data.data()), data.size());
    try {
        hold->on_message(stream_.got_text(), payload);
    } catch (const std::exception& error) {  // one session that fails, not all (01 CON-02)
        ++stats_->handler_failures;
        loop_.report_failure(error.what());
        end(WebSocketEnd::kError, kInternalError);
        begin_close(kInternalError, options_.error_grace);
    }
}

void WebSocket::Impl::on_close_frame() {
    peer_closed_ = true;
    const auto code = static_cast<std::uint16_t>(stream_.reason().code);
    // Beast answers the frame; what was queued has no reader (CON-45).
    end(WebSocketEnd::kPeer, code == 0 ? 1005 : code);
    wake_.cancel();
    notify();
}

void WebSocket::Impl::end(WebSocketEnd by, std::uint16_t code) {
    if (!end_) end_ = WebSocketClosed{by, code};
    hold_.cancel();
}

void WebSocket::Impl::notify() {
    if (std::exchange(notified_, true)) return;
    leave();
    const std::shared_ptr<Handlers> hold = std::exchange(handlers_, nullptr);
    if (hold && hold->on_closed) hold->on_closed(end_.value_or(WebSocketClosed{}));
}

}  // namespace confab::net
