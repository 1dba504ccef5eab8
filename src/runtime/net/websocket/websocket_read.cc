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
#include "runtime/net/websocket/deflate_offer.h"
#include "runtime/net/websocket/inflater.h"

namespace confab::net {

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

namespace {

constexpr std::size_t kReadChunk = 64 * 1024;
// What a connection holds that waits for a message: Beast makes room before it reads. A short
// message comes with the first read, the rest of a longer one with the next.
constexpr std::size_t kIdleRoom = 128;
// Frame headers, and bytes the stream had read ahead, are no part of the wire size we compare.
constexpr std::size_t kReadAhead = 4096;
constexpr std::uint16_t kBadPayload = 1007;
constexpr std::uint16_t kInternalError = 1011;
constexpr std::uint16_t kTooBigOnWire = 1009;
constexpr std::uint16_t kTooBigInflated = 1000;

// All that the handshake looks at (RFC 6455 §4.2.1). Beast's containers throw at header lines of
// 64 KiB, which clients may send, so nothing else goes in and nothing that long.
constexpr std::array<std::string_view, 5> kHandshakeHeaders = {
    "Host", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version"};
constexpr std::size_t kMaxHandshakeHeader = 4096;

std::string extensions_of(const HttpHeaders& headers) {
    std::string all;
    for (const HttpHeader& header : headers)
        if (equals_ignore_case(header.name, "Sec-WebSocket-Extensions") &&
            header.value.size() <= kMaxHandshakeHeader)
            all += (all.empty() ? "" : ",") + header.value;
    return all;
}

template <typename Request>
void copy_header(const HttpHeaders& from, std::string_view name, Request& to) {
    for (const HttpHeader& header : from)
        if (equals_ignore_case(header.name, name) && header.value.size() <= kMaxHandshakeHeader)
            to.insert(name, header.value);
}

}  // namespace

asio::awaitable<bool> WebSocket::Impl::handshake() {
    stream_.set_option(websocket::stream_base::decorator(
        [this](websocket::response_type& response) { add_response_headers(response); }));
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

// Beast also asks for refusals, which agree on nothing.
void WebSocket::Impl::add_response_headers(websocket::response_type& response) {
    for (const HttpHeader& header : start_.response_headers)
        if (is_writable(header)) response.insert(header.name, header.value);
    const bool accepted = response.result() == beast::http::status::switching_protocols;
    if (!accepted || !options_.deflate) return;
    const DeflateAgreement agreed = agree_on_deflate(extensions_of(start_.request_headers));
    if (agreed.response.empty()) return;
    response.set(beast::http::field::sec_websocket_extensions, agreed.response);
    deflates_ = agreed.may_send;
    stream_.next_layer().marks().allow_compression();
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
            const std::size_t room = message_.size() == 0 && !end_ ? kIdleRoom : kReadChunk;
            const auto [error, size] = co_await stream_.async_read_some(message_, room, use_result);
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
    if (end_)
        message_.clear();  // closing: the rest is read only to find the close frame
    else if (limit != 0 && message_.size() > limit)
        return end_too_big();
    if (!stream_.is_message_done()) return true;
    const bool more = deliver_message();
    message_.clear();
    if (message_.capacity() > kIdleRoom) message_.shrink_to_fit();
    stream_.next_layer().restart_count();
    return more;
}

bool WebSocket::Impl::end_too_big() {
    ++stats_->websocket_oversize;
    const bool on_wire = stream_.next_layer().count() + kReadAhead > options_.max_message_bytes;
    const std::uint16_t code = on_wire ? kTooBigOnWire : kTooBigInflated;
    end(WebSocketEnd::kTooBig, code);
    notify();  // before the close is queued: a last message still gets out (CON-45)
    begin_close(code, options_.error_grace);
    return false;
}

// A whole one; false as above.
bool WebSocket::Impl::deliver_message() {
    const FrameMarks::Message mark = stream_.next_layer().marks().take();
    if (end_) return true;
    const auto data = message_.data();
    const std::string_view payload(static_cast<const char*>(data.data()), data.size());
    if (!mark.compressed) {
        deliver(mark.text, payload);
        return true;
    }
    static thread_local Inflater inflater;
    const auto plain = inflater.inflate(payload, options_.max_message_bytes);
    if (!plain && plain.error() == InflateError::kTooLarge) return end_too_big();
    if (!plain || (mark.text && !is_valid_utf8(*plain))) {
        end(WebSocketEnd::kError, kBadPayload);
        notify();  // nobody shall write to it any more
        begin_close(kBadPayload, options_.error_grace);
        return true;
    }
    deliver(mark.text, *plain);
    return true;
}

void WebSocket::Impl::deliver(bool text, std::string_view payload) {
    const std::shared_ptr<Handlers> hold = handlers_;  // the handle may go in the call
    if (!hold || !hold->on_message) return;
    try {
        hold->on_message(text, payload);
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
