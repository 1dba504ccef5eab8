// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How the participants of a room come, become active, lose their connection, resume and go
// (01 §3.6, §3.12, §3.13): who is let in, what a join and a resume say and in which order, the
// deadlines, and what ends a session. Tracks, connections and data belong to other parts; what is
// needed of them goes to its SessionsHost.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "room/negotiate/negotiation.h"
#include "room/participant/ending.h"
#include "room/roster/room_news.h"
#include "room/roster/roster.h"

namespace confab::room {

class SessionsHost {
  public:
    virtual ~SessionsHost() = default;

    // ---- coming and going
    // The parts know it from now on.
    virtual void came(Participant& p, const JoinParams& params) = 0;
    virtual void open_links(Participant& p) = 0;
    // May end it.
    virtual void subscribe_existing(Participant& p) = 0;
    virtual void add_track(Participant& p, const livekit::AddTrackRequest& request) = 0;
    virtual void take_first_offer(Participant& p, const livekit::SessionDescription& offer) = 0;
    // Nothing of it is published, subscribed to or connected any more.
    virtual void drop_media(Participant& p) = 0;
    // After drop_media(): nobody asks for it any more.
    virtual void forget(Participant& p) = 0;

    // ---- connections
    struct Transport {
        IcePreference ice = IcePreference::kAny;
        bool subscriber_primary = false;
        bool ever_connected = false;  // one of its connections
        bool lost = false;            // the primary one is there and down
    };
    virtual Transport transport(const Participant& p) const = 0;
    virtual void restart_links(Participant& p) = 0;
    virtual void try_other_transport(Participant& p) = 0;
    virtual void client_gave_up(Participant& p, livekit::ReconnectReason reason) = 0;

    // ---- what is told
    virtual livekit::ParticipantInfo describe(const Participant& p) const = 0;
    // The same, encoded for a join.
    virtual const std::string& shown(Participant& p) = 0;
    // What the join says of the room's media.
    virtual void describe_media(const Participant& p, livekit::JoinResponse& join) const = 0;
    virtual void changed(Participant& p, bool immediate) = 0;
    virtual void webhook(const char* event, const Participant& p) = 0;
    virtual void tell_speakers() = 0;
    virtual std::uint32_t last_data_sequence(const Participant& p) const = 0;
    // Before it is told of its tracks: whose state it does not expect, it sets to its own.
    virtual void repeat_mutes(Participant& p, Timestamp since) = 0;
    // What is told only when it changes: it may have heard nothing since then.
    virtual void repeat_news(Participant& p, Timestamp since) = 0;

    // ---- time
    // Its session is to be replaced for something that did not come in time.
    virtual bool media_overdue(const Participant& p) const = 0;
    virtual void handle_media_timeout(Participant& p) = 0;
};

class Sessions {
  public:
    static constexpr Duration kRefreshInterval = Duration::seconds(300);

    Sessions(const RoomScope& scope, Roster& roster, RoomNews& news, SessionsHost& host)
        : scope_(&scope), roster_(&roster), news_(&news), host_(&host) {}

    // ---- coming
    // Whether the join is refused because max_participants are here (CON-33, ROOM-06).
    bool is_full_for(const JoinParams& params) const;
    void join(SessionId session, const JoinParams& params);
    // `moved`: it resumes in the room that it was in before, as it did not hear of its move.
    void resume(SessionId session, const JoinParams& params, bool moved = false);
    // For a resume of what is not there (SIG-147).
    static void refuse_resume(Outbox& out, SessionId session, const JoinParams& params);

    // ---- while it is there
    void signal_closed(SessionId session, const std::string& identity);
    void handle_link(Participant& p, const LinkNews& link);
    // Whether it can be told to come back over another transport.
    bool is_reachable(const Participant& p) const;
    // That one was chosen, though its connections work (ICE-16).
    void leave_path(Participant& p);
    void handle_timeout(Participant& p);
    // Its next token (TOK-12).
    void send_token(Participant& p);

    // ---- to another room, with its session (sessions_move.cc)
    // The last that it hears of this room.
    void say_farewell(Participant& p);
    // The first that it hears of this one, and the others of it.
    void welcome(Participant& p);
    // To a room that is not in this process: it is told to connect anew, with a token for that one.
    // False: there is no key for a token, nothing has changed.
    bool send_away(Participant& p, const livekit::Room& to);

    // ---- going
    void end(Participant& p, const Ending& ending);
    // Everybody, with the room.
    void end_all(livekit::DisconnectReason reason);

  private:
    void observe(const Observation& value) { scope_->out.observe(value); }
    std::vector<livekit::ICEServer> ice_servers(const Participant& p, IcePreference ice) const;
    livekit::ServerInfo server_info() const;

    // sessions.cc
    void send_join(Participant& p);
    void start_links(Participant& p, const JoinParams& params);
    void set_active(Participant& p);
    std::string next_token(Participant& p);

    // sessions_move.cc
    // With the token that it returns.
    std::string tell_moved(Participant& p);
    void send_moved(Participant& p, livekit::RoomMovedResponse moved);

    // sessions_resume.cc
    void send_reconnect(Participant& p);
    Duration silence() const;
    void tell_departures(Participant& p, Timestamp since, bool missed_move);
    void connection_failed(Participant& p);

    const RoomScope* scope_;
    Roster* roster_;
    RoomNews* news_;
    SessionsHost* host_;
};

}  // namespace confab::room
