// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The end of the relay where the rooms are (03 RPC-01, NODE-20 … NODE-22): serves the streams that
// come to this node, reads who wants to join or resume, and carries messages both ways between the
// peer and whoever holds the room's sessions. What a peer sends wrong ends its own stream only.
// A machine of one thread: nothing but handle_timeout() acts and calls the host.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "base/time.h"
#include "cluster/relay/settings.h"
#include "cluster/relay/start_session.h"
#include "livekit_rtc.pb.h"
#include "rpc/bus.h"
#include "token/limits.h"

namespace confab::cluster::relay {

class Deadlines;

// Who holds the sessions of the rooms here. May call back into the MediaEnd at once.
class MediaHost {
  public:
    virtual ~MediaHost() = default;
    // Answered by the first respond(), or by refuse(); the peer gives up after some seconds.
    virtual void start(SessionId session, SessionStart start) = 0;
    // After receive() gave nothing, there is something again.
    virtual void readable(SessionId session) = 0;
    // The peer's side is over, whichever way, and all that came was received; the id is not used
    // again. Not called after refuse() or close().
    virtual void closed(SessionId session, const rpc::Error& cause) = 0;
};

class MediaEnd {
  public:
    // `node` is the id of this one. Bus and host must outlive it.
    MediaEnd(rpc::Bus& bus, MediaHost& host, std::string node, const Settings& settings,
             const token::Limits& limits);
    ~MediaEnd();
    MediaEnd(const MediaEnd&) = delete;
    MediaEnd& operator=(const MediaEnd&) = delete;

    // Before this nobody reaches it. kAlreadyExists if this node is served already.
    Result<void, rpc::Error> serve();

    // A serialised livekit.SignalResponse. What is sent within one turn goes together. Where the
    // peer takes nothing for retry_timeout it is dropped, and the peer ends the session when it
    // sees the gap.
    void respond(SessionId id, std::string response);
    // Instead of the first response: codes as may_try_again() reads them; kAborted for a room that
    // is on another node by now.
    void refuse(SessionId id, rpc::Error error);
    // After all responses; nothing is received any more.
    void close(SessionId id);
    // Until nothing is left, after each readable(). A host that cannot take more leaves it there;
    // with more than kMaxReceived the session ends.
    std::optional<livekit::SignalRequest> receive(SessionId id);

    // The registry of nodes holds it for dead: the sessions of its clients end at once.
    void node_died(std::string_view node);
    // As SignalEnd.
    void node_stands(std::string_view node, bool stands);
    // No further streams; those that are there go on.
    void stop() { registration_.reset(); }

    // The bus carries nothing, for a time that may be long: sessions wait for its end, with what
    // their queues hold. New ones fail as the bus says.
    void handle_outage();
    void handle_recovery(Timestamp now);

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

    struct Snapshot {
        std::size_t sessions = 0;  // those that are ending included
        std::uint64_t started = 0;
        std::uint64_t refused = 0;  // by the host, over the limit, or without a proper start
        std::uint64_t failed = 0;   // ended by what the peer sent, or did not take
    };
    Snapshot snapshot() const;

  private:
    struct Session;
    struct Mailbox;

    void take_stream(Timestamp now, std::shared_ptr<rpc::Stream> stream, std::string peer);
    void advance(Timestamp now, SessionId id);
    void await_start(Timestamp now, Session& session);
    void begin(Session& session, const std::string& first);
    void advance_started(Session& session);
    void lose_node(const std::string& node);
    void turn_away(Session& session, rpc::Error error);
    void end_if_done(Session& session);
    void erase(SessionId id);
    Session* find(SessionId id);

    rpc::Bus& bus_;
    MediaHost& host_;
    std::string node_;
    Settings settings_;
    token::Limits limits_;
    std::optional<rpc::Registration> registration_;
    std::uint64_t last_id_ = 0;
    std::unordered_map<SessionId, std::unique_ptr<Session>> sessions_;
    std::shared_ptr<Mailbox> mailbox_;
    std::unique_ptr<Deadlines> deadlines_;
    bool outage_ = false;
    Snapshot counters_;
};

}  // namespace confab::cluster::relay
