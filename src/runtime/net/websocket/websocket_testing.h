// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of WebSockets: a server of one connection, and a client that sees frames.
#pragma once

#include <doctest/doctest.h>

#include <boost/beast/zlib/inflate_stream.hpp>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "runtime/net/asio.h"
#include "runtime/net/http/http_server.h"
#include "runtime/net/net_testing.h"

namespace confab::net {

enum Opcode : std::uint8_t {
    kContinuation = 0,
    kText = 1,
    kBinary = 2,
    kClose = 8,
    kPing = 9,
    kPong = 10
};

struct Frame {
    bool fin = false;
    bool compressed = false;
    int opcode = -1;  // -1: the connection ended
    std::string payload;
};

// A masked frame as clients send it (RFC 6455 §5.2), with the mask 0.
inline std::string frame(Opcode opcode, std::string_view payload, bool compressed = false,
                         bool fin = true) {
    std::string out;
    out += static_cast<char>((fin ? 0x80 : 0) | (compressed ? 0x40 : 0) | opcode);
    if (payload.size() < 126) {
        out += static_cast<char>(0x80 | payload.size());
    } else {
        std::uint8_t length[8];
        store_be64(length, payload.size());
        const bool two_bytes = payload.size() < 65'536;
        out += static_cast<char>(0x80 | (two_bytes ? 126 : 127));
        out += as_text(BytesView(length).subspan(two_bytes ? 6 : 0));
    }
    return out + std::string(4, '\0') + std::string(payload);
}

class Client {
  public:
    explicit Client(std::uint16_t port, std::string_view extra = "", int receive_buffer = 0)
        : raw_(port, receive_buffer) {
        raw_.send(
            "GET /rtc?a=b HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://any\r\n" +
            std::string(extra) + "\r\n");
    }
    RawClient& raw() { return raw_; }
    std::string read_response() { return raw_.read_until("\r\n\r\n"); }
    bool open() { return read_response().starts_with("HTTP/1.1 101 Switching Protocols\r\n"); }
    void send(Opcode opcode, std::string_view payload) { raw_.send(frame(opcode, payload)); }

    Frame read() {
        const std::string head = raw_.read_exactly(2);
        if (head.size() < 2) return {};
        Frame out;
        const auto first = static_cast<std::uint8_t>(head[0]);
        out.fin = (first & 0x80) != 0;
        out.compressed = (first & 0x40) != 0;
        out.opcode = first & 0x0F;
        std::uint64_t length = static_cast<std::uint8_t>(head[1]);
        if (length >= 126) {
            const std::string bytes = raw_.read_exactly(length == 126 ? 2 : 8);
            length = 0;
            for (const std::uint8_t byte : as_bytes(bytes))
                length = length << 8 | byte;
        }
        out.payload = raw_.read_exactly(length);
        return out;
    }
    // The code of the close frame that comes next; 0 if the connection just ended.
    int read_close() {
        Frame next = read();
        while (next.opcode == kPing || next.opcode == kBinary || next.opcode == kText)
            next = read();
        if (next.opcode != kClose) return 0;
        if (next.payload.size() < 2) return 1005;
        return load_be16(as_bytes(next.payload).data());
    }

  private:
    RawClient raw_;
};

// A listener whose handler accepts at once and echoes, unless a test takes the exchange.
class Fixture {
  public:
    explicit Fixture(const WebSocketOptions& options = {}, bool accept = true)
        : options_(options), accept_(accept) {
        thread_.call([&] {
            server_ =
                std::make_unique<HttpServer>(thread_.loop(), HttpServerOptions{},
                                             [this](HttpRequest request, HttpExchange exchange) {
                                                 is_upgrade_ = request.is_websocket_upgrade;
                                                 exchange_.emplace(std::move(exchange));
                                                 if (accept_) upgrade();
                                             });
            port_ = server_->listen("127.0.0.1", 0).value().port;
        });
    }
    ~Fixture() {
        thread_.call([&] {
            socket_.reset();
            exchange_.reset();
            server_.reset();
        });
    }

    void upgrade() {
        socket_ = exchange_->accept_websocket(
            {{"X-Extra", "1"}, {"X-Long", std::string(70'000, 'l')}}, options_);
        exchange_.reset();
        if (!socket_) return;
        socket_->set_handlers(
            [this](bool text, std::string_view payload) {
                messages_.emplace_back(payload);
                if (payload == "quiet") return;
                if (payload == "throw") throw std::runtime_error("handler");
                if (payload == "destroy")
                    socket_.reset();
                else
                    socket_->send(text, std::string(payload));
            },
            [this](WebSocketClosed why) {
                if (why.by == WebSocketEnd::kTooBig) socket_->send(false, "leave");
                closed_ = why;
                if (closed_throws) throw std::runtime_error("handler");
            });
    }
    WebSocketClosed closed() {
        CHECK(thread_.eventually([&] { return closed_.has_value(); }));
        return thread_.call([&] { return closed_.value_or(WebSocketClosed{}); });
    }
    std::uint64_t loop_failures() {
        return thread_.call([&] { return thread_.loop().failures(); });
    }
    HttpServerStats stats() {
        return thread_.call([&] { return server_->stats(); });
    }

    std::uint16_t port() const { return port_; }
    LoopThread& thread() { return thread_; }
    // Only within thread().call().
    std::unique_ptr<WebSocket>& socket() { return socket_; }
    std::optional<HttpExchange>& exchange() { return exchange_; }
    bool is_upgrade() const { return is_upgrade_; }
    std::vector<std::string>& messages() { return messages_; }
    HttpServer& server() { return *server_; }

    bool closed_throws = false;

  private:
    WebSocketOptions options_;
    bool accept_;
    LoopThread thread_;
    std::unique_ptr<HttpServer> server_;
    std::uint16_t port_ = 0;
    bool is_upgrade_ = false;
    std::optional<HttpExchange> exchange_;
    std::unique_ptr<WebSocket> socket_;
    std::vector<std::string> messages_;
    std::optional<WebSocketClosed> closed_;
};

// As senders compress it.
inline std::string deflated(std::string plain) {
    std::uint64_t made = 0;
    std::string out = WebSocketPart(std::move(plain)).deflated(made);
    out.resize(out.size() - WebSocketPart::kTailBytes);
    return out;
}

// By another implementation than ours.
inline std::string inflate(std::string_view payload) {
    std::string in(payload);
    in.append("\0\0\xFF\xFF", 4);
    std::string out(1 << 20, '\0');
    boost::beast::zlib::inflate_stream stream;
    boost::beast::zlib::z_params params;
    params.next_in = in.data();
    params.avail_in = in.size();
    params.next_out = out.data();
    params.avail_out = out.size();
    ErrorCode error;
    stream.write(params, boost::beast::zlib::Flush::sync, error);
    out.resize(params.total_out);
    return out;
}

}  // namespace confab::net
