// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The byte stream under HTTP and WebSocket: a TCP socket, with TLS around it once start_tls() was
// called. An AsyncStream in the sense of Beast. Included by .cc files only.
#pragma once

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <unistd.h>

#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <optional>
#include <utility>

namespace confab::net {

namespace ssl = boost::asio::ssl;

// A stream between two loops: Stream::detach() makes it, the constructor of the other one takes it.
// Closed if nobody does.
class DetachedStream {
  public:
    DetachedStream(tcp protocol, int fd) : protocol_(protocol), fd_(fd) {}
    DetachedStream(DetachedStream&& other) noexcept
        : protocol_(other.protocol_), fd_(std::exchange(other.fd_, -1)) {}
    DetachedStream& operator=(DetachedStream&&) = delete;
    ~DetachedStream() {
        if (fd_ >= 0) ::close(fd_);
    }
    tcp::socket attach(asio::io_context& context) && {
        tcp::socket socket(context);
        ErrorCode error;
        socket.assign(protocol_, fd_, error);
        if (!error) fd_ = -1;
        return socket;
    }

  private:
    tcp protocol_;
    int fd_;
};

class Stream {
  public:
    using executor_type = tcp::socket::executor_type;
    using Tls = ssl::stream<tcp::socket>;

    explicit Stream(tcp::socket socket) : plain_(std::move(socket)) {}
    Stream(asio::io_context& context, DetachedStream stream)
        : plain_(std::move(stream).attach(context)) {}

    // Ends what is under way and leaves the loop; this stream is closed then. Nothing with TLS: its
    // state and what it has read ahead would have to go along, which no server needs yet.
    std::optional<DetachedStream> detach() {
        ErrorCode error;
        if (tls_ || !is_open()) return std::nullopt;
        const tcp protocol = plain_.local_endpoint(error).protocol();
        const int fd = error ? -1 : plain_.release(error);
        if (error) return std::nullopt;
        return DetachedStream(protocol, fd);
    }

    executor_type get_executor() { return socket().get_executor(); }
    // What lies below: for options, waiting and closing; its bytes are not ours when there is TLS.
    tcp::socket& socket() { return tls_ ? tls_->next_layer() : plain_; }
    bool is_open() { return socket().is_open(); }

    // Everything from now on is TLS; the caller does the handshake.
    Tls& start_tls(ssl::context& context) {
        tls_ = std::make_unique<Tls>(std::move(plain_), context);
        return *tls_;
    }

    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        if (tls_) return tls_->async_read_some(buffers, std::forward<Token>(token));
        return plain_.async_read_some(buffers, std::forward<Token>(token));
    }
    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        if (tls_) return tls_->async_write_some(buffers, std::forward<Token>(token));
        return plain_.async_write_some(buffers, std::forward<Token>(token));
    }
    // What is there already; would_block if the socket was made non-blocking and nothing is.
    template <typename Buffers>
    std::size_t read_some(const Buffers& buffers, ErrorCode& error) {
        return tls_ ? tls_->read_some(buffers, error) : plain_.read_some(buffers, error);
    }

    // Ends what is under way. Without TLS's close_notify: HTTP and WebSocket say by themselves
    // where a message ends (RFC 9112 §9.8).
    void close() {
        ErrorCode ignored;
        socket().close(ignored);
    }
    void cancel() {
        ErrorCode ignored;
        if (is_open()) socket().cancel(ignored);
    }
    void shutdown_send() {
        ErrorCode ignored;
        socket().shutdown(tcp::socket::shutdown_send, ignored);
    }

  private:
    tcp::socket plain_;  // moved into tls_ by start_tls()
    std::unique_ptr<Tls> tls_;
};

}  // namespace confab::net
