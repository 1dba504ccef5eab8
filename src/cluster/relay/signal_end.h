// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The end of the relay where the clients' WebSockets are (03 NODE-10, NODE-20 … NODE-24): finds the
// node with the room, starts the session there, and carries messages both ways. The upgrade is
// answered after the first response (01 CON-31), so that every refusal is an HTTP status.
// A machine of one thread: nothing but handle_timeout() acts, and what the bus or the placement
// answer waits for it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/callback.h"
#include "base/rng.h"
#include "base/time.h"
#include "cluster/relay/refusal.h"
#include "cluster/relay/settings.h"
#include "cluster/relay/start_session.h"
#include "rpc/bus.h"

namespace confab::cluster::relay {

class Deadlines;

// Which node has a room, or shall have it (03 NODE-11).
class Placement {
  public:
    virtual ~Placement() = default;
    // Answers now or later, once; an answer that comes too late is dropped.
    virtual void find_node(Timestamp now, const std::string& room,
                           Callback<Result<std::string, rpc::Error>> found) = 0;
};

struct SignalEvent {
    enum class Kind : std::uint8_t {
        kHere,  // the room is on this node: nothing is relayed, the session is over for the relay
        kStarted,   // the first response can be received: the WebSocket may be accepted
        kReadable,  // after receive() gave nothing, there is something again
        kRefused,   // instead of kStarted; the session is over
        kClosed,    // after the last message was received: close the WebSocket; the session is over
    };
    Kind kind;
    SessionId session;
    int status = 0;      // kRefused: of the answer to the upgrade, with the text of the error
    int close_code = 0;  // kClosed
    rpc::Error error = {};
};

class SignalEnd {
  public:
    // `node` is the id of this one. Bus and placement must outlive it.
    SignalEnd(rpc::Bus& bus, Placement& placement, std::string node, const Settings& settings,
              std::uint64_t seed);
    ~SignalEnd();
    SignalEnd(const SignalEnd&) = delete;
    SignalEnd& operator=(const SignalEnd&) = delete;

    // Connection and node id of the start are set here. Answered by an event, whatever comes.
    SessionId start(SessionStart start);
    // A serialised livekit.SignalRequest, between kStarted and kClosed. What is sent within one
    // turn goes together.
    void send(SessionId id, std::string request);
    // The next serialised livekit.SignalResponse, as its node wrote it: who has to read it (a
    // client that speaks JSON) checks it. Until nothing is left, after kStarted and each kReadable;
    // more than kMaxReceived that were not fetched end the session.
    std::optional<std::string> receive(SessionId id);
    // The client is gone. What it said before still arrives; no event follows.
    void close(SessionId id);

    // The registry of nodes holds it for dead: its sessions end at once, and those that it did not
    // answer yet are started elsewhere.
    void node_died(std::string_view node);

    // Its process stands still, or goes on: nothing is said to it meanwhile, and what it does not
    // acknowledge ends no session.
    void node_stands(std::string_view node, bool stands);

    // The bus carries nothing, for a time that may be long: sessions wait for its end, with what
    // their queues hold. New ones fail as the bus says.
    void handle_outage();
    void handle_recovery(Timestamp now);

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    std::optional<SignalEvent> poll_event();

    struct Snapshot {
        std::size_t sessions = 0;
        std::uint64_t started = 0;
        std::uint64_t refused = 0;
        std::uint64_t failed = 0;    // ended by the relay, nodes that died included
        std::uint64_t attempts = 0;  // all, of all sessions
    };
    Snapshot snapshot() const;

  private:
    struct Session;
    struct Mailbox;
    using Kind = SignalEvent::Kind;

    void read_mail(Timestamp now);
    void lose_node(Timestamp now, const std::string& node);
    void lose(Timestamp now, Session& session, const rpc::Error& cause);
    void placed(Timestamp now, Session& session, Result<std::string, rpc::Error> node);
    void opened(Timestamp now, Session& session,
                Result<std::shared_ptr<rpc::Stream>, rpc::Error> stream);
    void begin_attempt(Timestamp now, Session& session);
    void find_node(Timestamp now, Session& session);
    void attempt_failed(Timestamp now, Session& session, rpc::Error cause);
    void advance(Timestamp now, SessionId id);
    void advance_start(Timestamp now, Session& session);
    void advance_open(Session& session);
    void drain(Session& session);
    void fail(Session& session, Farewell farewell, rpc::Error cause);
    void tell_readable(Session& session);
    void close_if_done(Session& session);
    void over(SignalEvent event);
    Session* find(SessionId id);

    rpc::Bus& bus_;
    Placement& placement_;
    std::string node_;
    Settings settings_;
    Rng rng_;
    std::uint64_t last_id_ = 0;
    std::unordered_map<SessionId, std::unique_ptr<Session>> sessions_;
    std::shared_ptr<Mailbox> mailbox_;
    std::unique_ptr<Deadlines> deadlines_;
    std::deque<SignalEvent> events_;
    bool outage_ = false;
    Snapshot counters_;
};

}  // namespace confab::cluster::relay
