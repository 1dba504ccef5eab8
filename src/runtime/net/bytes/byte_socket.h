// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One TCP connection that carries bytes both ways, with TLS where it is asked for. Included by .cc
// files only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "runtime/net/bytes/acknowledged.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/stream.h"

namespace confab::net {

class ByteSocket : public std::enable_shared_from_this<ByteSocket> {
  public:
    struct Closed {
        std::string why;
        bool refused = false;  // whoever is at that address has no such port (any more)
    };
    // Each is called from the loop, never after cut().
    struct Handlers {
        std::function<void()> on_connected;
        std::function<void(BytesView)> on_bytes;
        std::function<void(Closed)> on_closed;  // the last one
    };
    struct Target {
        std::string host;  // a name or an address, without brackets
        std::uint16_t port = 0;
    };
    struct Tls {
        ssl::context* context = nullptr;  // null: none
        std::string name;                 // empty: not checked
        std::string option;               // of the configuration, for errors
    };

    ByteSocket(EventLoop& loop, Handlers handlers);

    // `timeout`: of name, connection and handshake together. Then all addresses of the name are
    // tried in turn.
    void open(const Target& to, Tls tls, Duration timeout);
    // One that was accepted: is connected.
    void adopt(tcp::socket socket);
    // Goes out behind what waits already.
    void write(std::string bytes);
    // Bytes that the system has not taken yet.
    std::size_t unsent() const { return waiting_.size() + leaving_.size(); }
    // None: the system does not say.
    std::optional<Acknowledged> acknowledged();
    void cut();

  private:
    asio::awaitable<void> run(std::shared_ptr<ByteSocket> self, Target to, Tls tls);
    asio::awaitable<void> read(std::shared_ptr<ByteSocket> self);
    asio::awaitable<Closed> connect(const Target& to, const Tls& tls);
    asio::awaitable<std::string> handshake(const Tls& tls);
    asio::awaitable<void> send(std::shared_ptr<ByteSocket> self);
    void end(Closed closed);

    EventLoop& loop_;
    Handlers handlers_;
    tcp::resolver resolver_;
    Stream stream_;
    EventLoop::Timer deadline_;
    bool shaking_hands_ = false;
    bool timed_out_ = false;
    bool cut_ = false;  // handlers stay, since one of them may be what cuts
    bool writing_ = false;
    std::string waiting_;
    std::string leaving_;
};

}  // namespace confab::net
