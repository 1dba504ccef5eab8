// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The byte stream under Beast's WebSocket: a net::Stream that first gives the bytes that came with
// the request, and counts what it reads, because the limits of 01 CON-41 tell bytes on the wire
// from inflated ones. Included by .cc files only.
#pragma once

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <algorithm>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <cstring>
#include <string>

#include "runtime/net/stream.h"

namespace confab::net {

class WebSocketTransport {
  public:
    using executor_type = tcp::socket::executor_type;

    WebSocketTransport(Stream stream, std::string received)
        : stream_(std::move(stream)), received_(std::move(received)) {}

    executor_type get_executor() { return stream_.get_executor(); }
    tcp::socket& socket() { return stream_.socket(); }

    std::size_t count() const { return count_; }
    void restart_count() { count_ = 0; }
    void close() { stream_.close(); }

    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_compose<Token, void(ErrorCode, std::size_t)>(
            ReadOp<Buffers>{*this, buffers}, token, stream_);
    }
    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return stream_.async_write_some(buffers, std::forward<Token>(token));
    }

    friend void beast_close_socket(WebSocketTransport& transport) { transport.close(); }
    friend void teardown(boost::beast::role_type role, WebSocketTransport& transport,
                         ErrorCode& error) {
        boost::beast::websocket::teardown(role, transport.socket(), error);
    }
    template <typename Handler>
    friend void async_teardown(boost::beast::role_type role, WebSocketTransport& transport,
                               Handler&& handler) {
        boost::beast::websocket::async_teardown(role, transport.socket(),
                                                std::forward<Handler>(handler));
    }

  private:
    template <typename Buffers>
    struct ReadOp {
        WebSocketTransport& transport;
        Buffers buffers;
        enum class State : std::uint8_t { kStart, kPosted, kReading } state = State::kStart;

        template <typename Self>
        void operator()(Self& self, ErrorCode error = {}, std::size_t size = 0) {
            switch (state) {
                case State::kStart:
                    if (transport.received_.empty()) {
                        state = State::kReading;
                        transport.stream_.async_read_some(buffers, std::move(self));
                    } else {
                        state = State::kPosted;  // a handler is never called inside its start
                        asio::post(transport.get_executor(), std::move(self));
                    }
                    return;
                case State::kPosted:
                    size = asio::buffer_copy(buffers, asio::buffer(transport.received_));
                    transport.received_.erase(0, size);
                    break;
                case State::kReading:
                    break;
            }
            transport.count_ += size;
            self.complete(error, size);
        }
    };

    Stream stream_;
    std::string received_;
    std::size_t count_ = 0;
};

}  // namespace confab::net
