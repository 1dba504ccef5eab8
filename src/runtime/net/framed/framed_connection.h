// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One connection of a FramedListener. Included by .cc files only.
#pragma once

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>

#include "runtime/net/event_loop.h"
#include "runtime/net/framed/framed_listener.h"
#include "runtime/net/http/connection_table.h"
#include "runtime/net/stream.h"

namespace confab::net {

// What connections share.
struct FramedState {
    FramedState(EventLoop& its_loop, FramedListener::Handlers its_handlers)
        : loop(its_loop), handlers(std::move(its_handlers)) {}

    EventLoop& loop;
    FramedListener::Handlers handlers;
    FramedCounters counters;
    std::shared_ptr<ConnectionTable> table;
    TlsContext tls;  // none: ended elsewhere
    std::unordered_map<std::uint32_t, std::shared_ptr<class FramedConnection>> connections;
    std::uint32_t last_stream = 0;
    bool open = true;  // false: the listener is gone, and with it those that hear
};

class FramedConnection : public std::enable_shared_from_this<FramedConnection> {
  public:
    FramedConnection(std::shared_ptr<FramedState> state, Stream stream, const FramedClient& client,
                     ConnectionTable::Slot slot);

    void start();
    // One message; dropped if too much waits.
    void send(BytesView message, Urgency urgency);
    void close();

  private:
    static asio::awaitable<void> serve(std::shared_ptr<FramedConnection> self);
    asio::awaitable<bool> begin();
    bool take_messages();
    void write();
    void write_waiting();
    void watch();
    bool known() const;

    std::shared_ptr<FramedState> state_;
    Stream stream_;
    FramedClient client_;
    ConnectionTable::Slot slot_;
    EventLoop::Timer patience_;
    Bytes received_;  // the begin of a message
    Bytes writing_;
    Backlog waiting_;  // behind it
    bool closed_ = false;
};

}  // namespace confab::net
