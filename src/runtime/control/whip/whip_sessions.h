// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The WHIP sessions of a control shard (01 CON-60, CON-61): each is a participant whose signalling
// is HTTP requests, found again by room and identity.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "api/whip/whip_session.h"
#include "base/callback.h"
#include "runtime/control/signal_sessions.h"
#include "runtime/net/event_loop.h"

namespace confab::control {

// A PATCH or DELETE; room and identity are those of its token.
struct WhipRequest {
    std::string room;  // its key
    std::string identity;
    std::optional<std::string> if_match;
    std::string content_type;  // goes into errors
    std::string body;
};

class WhipSessions {
  public:
    // How long a room may take for an answer.
    static constexpr Duration kPatience = Duration::seconds(5);
    using Reply = Callback<api::HttpResponse>;

    WhipSessions(net::EventLoop& loop, SignalSessions& signal, Duration patience = kPatience)
        : loop_(loop), signal_(signal), patience_(patience) {}
    WhipSessions(const WhipSessions&) = delete;
    WhipSessions& operator=(const WhipSessions&) = delete;

    // Joins; `params` hold the offer, too. The reply comes with the answer, or as 503.
    void create(const room::JoinParams& params, const api::WhipOffer& offer, Reply reply);
    void patch(const WhipRequest& request, Reply reply);
    void remove(const WhipRequest& request, Reply reply);
    std::size_t size() const { return sessions_.size(); }

  private:
    class Session;
    using Name = std::pair<std::string, std::string>;  // room, identity
    Session* find(const WhipRequest& request);
    void leave(room::SessionId session);

    net::EventLoop& loop_;
    SignalSessions& signal_;
    Duration patience_;
    std::map<Name, Session*> sessions_;  // the newest of a name; SignalSessions owns them
};

}  // namespace confab::control
