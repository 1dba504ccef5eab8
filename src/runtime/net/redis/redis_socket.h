// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One connection of a RedisDriver. Included by .cc files only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "redis/address.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/stream.h"

namespace confab::net {

class RedisSocket : public std::enable_shared_from_this<RedisSocket> {
  public:
    // Each is called from the loop, never after cut().
    struct Handlers {
        std::function<void()> on_connected;
        std::function<void(BytesView)> on_bytes;
        std::function<void(std::string why)> on_closed;  // the last one
    };
    struct Tls {
        ssl::context* context = nullptr;  // null: none
        std::string name;                 // empty: not checked
    };

    RedisSocket(EventLoop& loop, Handlers handlers);

    void open(const redis::Address& to, Tls tls, Duration timeout);
    // Goes out behind what waits already.
    void write(std::string bytes);
    void cut();

  private:
    asio::awaitable<void> run(std::shared_ptr<RedisSocket> self, redis::Address to, Tls tls);
    asio::awaitable<std::string> connect(const redis::Address& to, const Tls& tls);
    asio::awaitable<std::string> handshake(const Tls& tls);
    asio::awaitable<void> send(std::shared_ptr<RedisSocket> self);
    void end(std::string why);

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
