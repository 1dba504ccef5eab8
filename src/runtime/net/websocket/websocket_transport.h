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
        : stream_(std::move(stream)),
          received_(std::move(received)),
          gate_(stream_.get_executor(), asio::steady_timer::time_point::max()) {}

    executor_type get_executor() { return stream_.get_executor(); }
    tcp::socket& socket() { return stream_.socket(); }

    std::size_t count() const { return count_; }
    void restart_count() { count_ = 0; }
    void close() {
        stream_.close();
        gate_.cancel();
    }

    template <typename Buffers, typename Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_compose<Token, void(ErrorCode, std::size_t)>(
            ReadOp<Buffers>{*this, buffers}, token, stream_);
    }
    // Of Beast: the handshake's response and control frames, which wait for frames of ours.
    template <typename Buffers, typename Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_compose<Token, void(ErrorCode, std::size_t)>(
            WriteOp<Buffers>{*this, buffers}, token, stream_);
    }
    // Whole frames, between those of Beast. False: they did not go, or not all; after a close frame
    // nothing goes (RFC 6455 §5.5.1).
    asio::awaitable<bool> write_frames(const std::vector<asio::const_buffer>& buffers) {
        while ((beast_writes_ || beast_waits_) && stream_.is_open())
            (void)co_await gate_.async_wait(use_result);
        if (close_sent_ || !stream_.is_open()) co_return false;
        we_write_ = true;
        const auto [error, size] = co_await asio::async_write(stream_, buffers, use_result);
        we_write_ = false;
        gate_.cancel();
        co_return !error;
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

    // A write of Beast is over when all of its buffers are gone: a frame may take several.
    template <typename Buffers>
    struct WriteOp {
        WebSocketTransport& transport;
        Buffers buffers;
        bool writing = false;

        template <typename Self>
        void operator()(Self& self, ErrorCode error = {}, std::size_t size = 0) {
            const std::size_t whole = asio::buffer_size(buffers);
            if (!writing && transport.we_write_ && transport.stream_.is_open()) {
                transport.beast_waits_ = true;
                return transport.gate_.async_wait(std::move(self));
            }
            if (!writing) {
                transport.beast_waits_ = false;
                constexpr std::uint8_t kClose = 0x88;
                transport.close_sent_ |= !transport.beast_writes_ && first_byte() == kClose;
                transport.beast_writes_ = true;
                writing = true;
                return transport.stream_.async_write_some(buffers, std::move(self));
            }
            transport.beast_writes_ = !error && size < whole;
            if (!transport.beast_writes_) transport.gate_.cancel();
            self.complete(error, size);
        }
        std::uint8_t first_byte() const {
            std::uint8_t first = 0;
            (void)asio::buffer_copy(asio::buffer(&first, 1), buffers);
            return first;
        }
    };

    Stream stream_;
    std::string received_;
    std::size_t count_ = 0;
    asio::steady_timer gate_;   // its cancellation wakes who waits for the other's write
    bool beast_waits_ = false;  // it is next
    bool beast_writes_ = false;
    bool we_write_ = false;
    bool close_sent_ = false;
};

}  // namespace confab::net
