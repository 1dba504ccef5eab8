// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Internal to the end with the WebSockets: what it knows of a session, and what waits for its turn.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cluster/relay/channel.h"
#include "cluster/relay/ready_list.h"
#include "cluster/relay/signal_end.h"

namespace confab::cluster::relay {

inline constexpr int kCloseCode = 1000;  // 03 NODE-24, 01 SIG-152

enum class Phase : std::uint8_t {
    kNew,
    kPlacing,    // which node?
    kOpening,    // the stream to it
    kWaiting,    // for somebody to serve it there, to ask again then
    kAnswering,  // its first response
    kOpen,
    kDraining,  // the client is gone, its last requests are on their way
    kEnded,     // there are messages to fetch
};

struct SignalEnd::Session {
    SessionId id;
    Phase phase = Phase::kNew;
    std::int32_t protocol = 0;
    std::unique_ptr<SessionStart> start;  // until the first response
    unsigned attempt = 0;                 // from 1
    Timestamp begun;                      // the first attempt
    Timestamp asked;                      // for the node
    Timestamp give_up_at = Timestamp::never();
    Timestamp ask_again_at = Timestamp::never();
    std::string node;
    std::unique_ptr<Channel> channel;
    bool told_readable = false;
    std::optional<std::string> farewell;
    rpc::Error cause;

    // Before the first response.
    Timestamp due() const {
        return phase == Phase::kWaiting ? earlier(ask_again_at, give_up_at) : give_up_at;
    }
    bool is_started() const { return phase >= Phase::kOpen; }
    bool has_something() const { return channel->received() > 0 || farewell; }
};

// Held by callbacks too, which may come after the end of all sessions.
struct SignalEnd::Mailbox {
    struct Placed {
        Result<std::string, rpc::Error> node;
    };
    struct Opened {
        Result<std::shared_ptr<rpc::Stream>, rpc::Error> stream;
    };
    struct Mail {
        SessionId session;
        unsigned attempt;  // an older one's is dropped
        std::variant<Placed, Opened> content;
    };
    std::deque<Mail> mail;
    std::vector<std::string> dead;
    ReadyList ready;

    bool is_empty() const { return mail.empty() && dead.empty() && ready.is_empty(); }
};

}  // namespace confab::cluster::relay
