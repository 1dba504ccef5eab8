// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The WHIP sessions of a control shard (01 CON-60, CON-61): each is a participant whose signalling
// is HTTP requests, found again by room and identity.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/whip/whip_client_info.h"
#include "api/whip/whip_session.h"
#include "base/callback.h"
#include "room/manager/room_manager.h"
#include "runtime/control/signal_sessions.h"
#include "runtime/net/event_loop.h"

namespace confab::control {

// A PATCH or DELETE; room and identity are those of its token.
struct WhipRequest {
    std::string room;  // its key
    std::string identity;
    std::string session;  // the sid in its path, which nothing here depends on
    std::optional<std::string> if_match;
    std::string body;
    // Nobody waits for the answer after it.
    Timestamp answer_by = Timestamp::never();
};

// A POST.
struct WhipJoin {
    room::JoinParams params;  // with the offer
    api::WhipOffer offer;
    std::vector<api::WhipTrackName> awaited;  // the answer comes when all of them are in it
    std::uint64_t request = 0;                // a number of the caller's, for abandon()
    bool room_must_exist = false;
    bool from_ingress = false;  // X-Livekit-Ingress
    // Who has no answer by then has no session.
    Timestamp answer_by = Timestamp::never();
};

class WhipSessions {
  public:
    // How long a room may take for an answer, and tracks that are waited for before.
    static constexpr Duration kPatience = Duration::seconds(5);
    static constexpr Duration kLookEvery = Duration::millis(50);
    // Sessions whose tracks are waited for at one time; further ones are refused with 503.
    static constexpr std::size_t kMaxHeld = 256;
    using Reply = Callback<api::WhipOutcome>;
    // Whether there is a session of that room and identity; told with each change.
    using Named =
        std::function<void(const std::string& room, const std::string& identity, bool there)>;
    // A session that the ingress service passed on (X-Livekit-Ingress) is there, or was.
    struct IngressNews {
        std::string room;
        std::string identity;
        std::string sid;  // of its participant, as the answer to the POST named it
        bool there = false;
    };
    using Ingress = std::function<void(IngressNews)>;
    struct Limits {
        Duration patience = kPatience;
        std::size_t held = kMaxHeld;
    };

    WhipSessions(net::EventLoop& loop, const room::RoomManager& rooms, SignalSessions& signal,
                 Limits limits)
        : loop_(loop), rooms_(rooms), signal_(signal), limits_(limits) {}
    WhipSessions(const WhipSessions&) = delete;
    WhipSessions& operator=(const WhipSessions&) = delete;

    // Joins. The reply comes with the answer, or as 503. Where tracks are waited for, the room gets
    // the offer after them.
    void create(WhipJoin join, Reply reply);
    // Whoever asked for that session, which waits for tracks, has gone without the reply: it ends,
    // in the room already or not.
    void abandon(const std::string& room, const std::string& identity, std::uint64_t request);
    void patch(const WhipRequest& request, Reply reply);
    void remove(const WhipRequest& request, Reply reply);
    std::size_t size() const { return sessions_.size(); }
    bool has(const std::string& room, const std::string& identity) const {
        return sessions_.contains({room, identity});
    }
    // Where that goes; before anybody joins.
    void set_named(Named fn) { named_ = std::move(fn); }
    void set_ingress(Ingress fn) { ingress_ = std::move(fn); }

  private:
    class Session;
    using Name = std::pair<std::string, std::string>;  // room, identity
    Session* find(const Name& name);
    void take_name(const Name& name, Session* session);
    void drop_name(const Name& name, const Session* session);
    Session* find(const WhipRequest& request) { return find(Name(request.room, request.identity)); }
    // Each of them may end that session, and its Session with it: what is given here must not be
    // part of it. Those behind are for nobody then.
    void ask(room::SessionId session, const std::vector<livekit::SignalRequest>& requests);
    void leave(room::SessionId session);

    net::EventLoop& loop_;
    const room::RoomManager& rooms_;
    SignalSessions& signal_;
    Limits limits_;
    Named named_;
    Ingress ingress_;
    std::size_t held_ = 0;
    std::map<std::pair<Name, std::uint64_t>, Session*> requested_;  // those that await tracks
    std::map<Name, Session*> sessions_;  // the newest of a name; SignalSessions owns them
};

}  // namespace confab::control
