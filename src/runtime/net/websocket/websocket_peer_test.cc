// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// WebSocket against another implementation, Beast's client: what both make of the same messages.
#include "runtime/net/websocket/websocket.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <doctest/doctest.h>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include "base/rng.h"
#include "runtime/net/websocket/websocket_testing.h"

namespace confab::net {
namespace {

namespace beast = boost::beast;

class BeastClient {
  public:
    BeastClient(std::uint16_t port, bool deflate) : stream_(context_) {
        stream_.next_layer().connect({asio::ip::address_v4::loopback(), port});
        beast::websocket::permessage_deflate options;
        options.client_enable = deflate;
        options.msg_size_threshold = 0;
        stream_.set_option(options);
        stream_.handshake("x", "/rtc");
    }
    std::string echo(bool text, const std::string& payload) {
        stream_.text(text);
        stream_.write(asio::buffer(payload));
        return read(text);
    }
    // In fragments of this size.
    std::string echo_parts(const std::string& payload, std::size_t size) {
        stream_.text(false);
        for (std::size_t at = 0; at < payload.size(); at += size) {
            const std::string part = payload.substr(at, size);
            stream_.write_some(at + size >= payload.size(), asio::buffer(part));
            stream_.ping("between");
        }
        return read(false);
    }
    // The code that comes back.
    int close(std::uint16_t code) {
        ErrorCode error;
        stream_.close(beast::websocket::close_reason(code), error);
        return error ? 0 : stream_.reason().code;
    }

  private:
    std::string read(bool text) {
        beast::flat_buffer buffer;
        ErrorCode error;
        stream_.read(buffer, error);
        CHECK_FALSE(error);
        CHECK(stream_.got_text() == text);
        return beast::buffers_to_string(buffer.data());
    }

    asio::io_context context_;
    beast::websocket::stream<tcp::socket> stream_;
};

std::string noise(Rng& rng, std::size_t size) {
    Bytes bytes(size);
    rng.fill(bytes);
    return std::string(as_text(bytes));
}

}  // namespace

TEST_CASE("WebSocket: another implementation says and hears the same [CON-41] [CON-42]") {
    for (const bool deflate : {false, true}) {
        CAPTURE(deflate);
        Fixture fixture;
        BeastClient client(fixture.port(), deflate);
        Rng rng(7);
        for (const std::size_t size :
             {0U, 1U, 125U, 126U, 255U, 256U, 5'000U, 65'535U, 65'536U, 200'000U, 2U << 20}) {
            CAPTURE(size);
            const std::string text(size, 't');
            CHECK(client.echo(true, text) == text);
            // One that is not compressed may be longer with permessage-deflate than plain.
            const std::string bytes = noise(rng, size - size / 100);
            CHECK(client.echo(false, bytes) == bytes);
        }
        const std::string parts = noise(rng, 10'000) + std::string(10'000, 'p');
        for (const std::size_t size : {100U, 1'000U, 19'999U, 20'000U})
            CHECK(client.echo_parts(parts, size) == parts);
    }
}

TEST_CASE("WebSocket: another implementation closes, and gets its code back [CON-45]") {
    for (const std::uint16_t code : std::initializer_list<std::uint16_t>{1000, 1001, 3000, 4999}) {
        Fixture fixture;
        BeastClient client(fixture.port(), true);
        CHECK(client.echo(true, "x") == "x");
        CHECK(client.close(code) == code);
        CHECK(fixture.closed().by == WebSocketEnd::kPeer);
        CHECK(fixture.closed().code == code);
    }
}

}  // namespace confab::net
