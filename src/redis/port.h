// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the rest of a node sees of Redis: commands, channels, and what it is told. Client is the one
// over connections, MemoryServer's ends the ones of simulator and tests.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/callback.h"
#include "base/result.h"
#include "base/time.h"
#include "redis/value.h"

namespace confab::redis {

// Why there is no reply. A server's refusal of a command is a reply: a Value that is an error.
struct Fault {
    enum class Code : std::uint8_t {
        kRefused,   // the login: user, password, rights, database; trying again changes nothing
        kTooOld,    // the server has no RESP3 (before Redis 6)
        kNotReady,  // it is loading its data, or a replica without a master: try again
        kProtocol,  // bytes that are no RESP
        kTimeout,   // no reply in time
        kClosed,    // the connection ended
        kFull,      // too much is waiting to be sent or answered
    };
    Code code = Code::kClosed;
    std::string text;  // for a log, with the remedy; never a password
};

using Words = std::span<const std::string_view>;
using Reply = Callback<Timestamp, Result<Value, Fault>>;

// A node's two connections.
enum class Line : std::uint8_t { kCommands, kChannels };

// What a Port tells, always from its driver's turn, never inside a call.
struct Events {
    // Each is called with the time of the turn.
    std::function<void(Timestamp now, std::string_view channel, std::string payload)> on_message;
    // The server sends what is published there from now on. Again after each outage.
    std::function<void(Timestamp now, const std::string& channel)> on_subscribed;
    // Of kChannels: everything is subscribed again; what was published meanwhile is lost.
    std::function<void(Timestamp now, Line)> on_up;
    // Once for each connection that was up, and once for each attempt that failed.
    std::function<void(Timestamp now, Line, const Fault&)> on_down;
    // The server lets us have no such channel; tried again with the next connection.
    std::function<void(Timestamp now, const std::string& channel, const std::string& error)>
        on_refused;
};

class Port {
  public:
    virtual ~Port() = default;

    // `done` is called once, later. Error, at once and without a call of `done`: there is no
    // connection (kClosed), or too much waits (kFull). Commands are answered in their order.
    virtual Result<void, Fault> command(Timestamp now, Words words, Reply done) = 0;
    // Holds whatever becomes of connections.
    virtual void subscribe(Timestamp now, std::string channel) = 0;
    virtual void unsubscribe(Timestamp now, const std::string& channel) = 0;
    virtual bool is_up(Line line) const = 0;
};

}  // namespace confab::redis
