// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The byte stream under HTTP and WebSocket: a TCP socket, with TLS around it once start_tls() was
// called. An AsyncStream in the sense of Beast. Included by .cc files only.
#pragma once

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime/net/detached_stream.h"
#include "runtime/net/tls/tls_operation.h"
#include "runtime/net/tls/tls_session.h"

namespace confab::net {

namespace ssl = boost::asio::ssl;

class Stream {
  public:
    using executor_type = tcp::socket::executor_type;

    explicit Stream(tcp::socket socket) : socket_(std::move(socket)) {}
    // Closed if the loop cannot take it.
    Stream(asio::io_context& context, DetachedStream stream) : socket_(context) {
        ErrorCode error;
        socket_.assign(stream.is_v6() ? tcp::v6() : tcp::v4(), stream.fd(), error);
        if (error) return;
        (void)stream.release_fd();
        tls_ = stream.take_tls();
    }

    // Ends what is under way and leaves the loop; this stream is closed then.
    std::optional<DetachedStream> detach() {
        ErrorCode error;
        if (!is_open()) return std::nullopt;
        make_ready();
        const bool is_v6 = socket_.local_endpoint(error).protocol() == tcp::v6();
        const int fd = error ? -1 : socket_.release(error);
        if (error) return std::nullopt;
        return DetachedStream(is_v6, fd, std::move(tls_));
    }

    executor_type get_executor() { return socket_.get_executor(); }
    // What lies below: for options, waiting and closing; its bytes are not ours when there is TLS.
    tcp::socket& socket() { return socket_; }
    bool is_open() { return socket_.is_open(); }
    // Null: plain.
    TlsSession* tls() { return tls_.get(); }

    // Everything from now on is TLS, as its server or client (see TlsSession); async_handshake()
    // is next.
    void start_tls(const TlsContext& context) {
        make_ready();
        tls_ = std::make_unique<TlsSession>(socket_.native_handle(), context);
    }
    void start_tls(ssl::context& context, const std::string& name) {
        make_ready();
        tls_ = std::make_unique<TlsSession>(socket_.native_handle(), context.native_handle(), name);
    }
    // (ErrorCode, std::size_t), the size is 0. What went wrong: tls()->failure().
    template <typename Token>
    auto async_handshake(Token&& token) {
        return async_tls(
            socket_, [tls = tls_.get()] { return tls->handshake(); }, std::forward<Token>(token));
    }

    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        if (tls_)
            return async_tls(socket_, TlsRead<Buffers>(*tls_, buffers), std::forward<Token>(token));
        return socket_.async_read_some(buffers, std::forward<Token>(token));
    }
    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        if (tls_)
            return async_tls(socket_, TlsWrite<Buffers>(*tls_, buffers),
                             std::forward<Token>(token));
        return socket_.async_write_some(buffers, std::forward<Token>(token));
    }
    // What is there already; would_block if the socket was made non-blocking and nothing is.
    template <typename Buffers>
    std::size_t read_some(const Buffers& buffers, ErrorCode& error) {
        if (!tls_ || !is_open()) return socket_.read_some(buffers, error);
        const TlsResult result = TlsRead<Buffers>(*tls_, buffers)();
        error = {};
        if (result.is_waiting()) error = asio::error::would_block;
        if (result.state == TlsResult::State::kClosed) error = asio::error::eof;
        if (result.state == TlsResult::State::kFailed) error = asio::error::connection_reset;
        return result.size;
    }

    // Ends what is under way. Without TLS's close_notify: HTTP and WebSocket say by themselves
    // where a message ends (RFC 9112 §9.8).
    void close() {
        ErrorCode ignored;
        socket_.close(ignored);
    }
    void cancel() {
        ErrorCode ignored;
        if (is_open()) socket_.cancel(ignored);
    }
    void shutdown_send() {
        ErrorCode ignored;
        if (tls_) tls_->say_end();
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }

  private:
    void make_ready() {
        ErrorCode ignored;
        socket_.native_non_blocking(true, ignored);
    }

    tcp::socket socket_;
    std::unique_ptr<TlsSession> tls_;  // null: plain
};

}  // namespace confab::net
