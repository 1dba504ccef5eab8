// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/relayed_sessions.h"

#include <optional>
#include <utility>

#include "cluster/nodes/placement.h"
#include "runtime/telemetry/log.h"
#include "token/token_errors.h"

namespace confab::control {
namespace {

namespace relay = cluster::relay;

// The code that gives this status at the other node (relay::http_status()).
rpc::Code code_of(int status) {
    switch (status) {
        case 400:
            return rpc::Code::kInvalidArgument;
        case 401:
            return rpc::Code::kUnauthenticated;
        case 403:
            return rpc::Code::kPermissionDenied;
        case 404:
            return rpc::Code::kNotFound;
        case 503:
            return rpc::Code::kUnavailable;
        default:
            return rpc::Code::kMalformedResult;  // 500, and no other attempt
    }
}

}  // namespace

room::JoinParams to_room(cluster::relay::SessionStart start) {
    room::JoinParams result;
    result.room = std::move(start.room);
    result.grants = std::move(start.grants);
    result.client = std::move(start.client);
    result.single_connection = start.single_peer_connection;
    result.auto_subscribe = start.auto_subscribe;
    result.auto_subscribe_data_track = start.auto_subscribe_data_track;
    result.adaptive_stream = start.adaptive_stream;
    result.subscriber_allow_pause = start.subscriber_allow_pause;
    result.disable_ice_lite = start.disable_ice_lite;
    result.reconnect = start.reconnect;
    result.reconnect_reason = start.reconnect_reason;
    result.participant_sid = std::move(start.participant_sid);
    result.publisher_offer = std::move(start.publisher_offer);
    result.add_track_requests = std::move(start.add_track_requests);
    return result;
}

// Touched in the thread of the shard alone.
struct RelayedSessions::Far {
    std::optional<room::SessionId> id;
};

struct RelayedSessions::Session {
    explicit Session(net::EventLoop& loop) : held(loop) {}

    std::size_t shard = 0;
    std::shared_ptr<Far> far = std::make_shared<Far>();
    bool asked = true;  // the shard has the start, or a request, and has not done it yet
    Timestamp held_until;
    net::EventLoop::Timer held;
};

// In the shard, as long as its room keeps the session.
class RelayedSessions::Sink final : public SignalSink {
  public:
    using Home = std::shared_ptr<RelayedSessions*>;

    Sink(net::EventLoop& loop, Home home, Id id, std::shared_ptr<Far> far)
        : loop_(loop), home_(std::move(home)), id_(id), far_(std::move(far)) {}
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    ~Sink() override {
        far_->id.reset();
        tell([id = id_](RelayedSessions& all) { all.over(id); });
    }

    void handle_join(const room::SendJoin& join) override { respond(room::serialized(join)); }
    void handle_signal(const livekit::SignalResponse& response) override {
        // Pings are answered where the WebSocket is (CON-43).
        if (response.has_pong() || response.has_pong_resp()) return;
        respond(response.SerializeAsString());
    }
    void handle_refusal(const room::RefuseSession& refusal) override {
        tell([id = id_, error = rpc::Error{code_of(refusal.status), refusal.text, {}}](
                 RelayedSessions& all) { all.relay_->refuse(id, error); });
    }
    void hold_reading(Timestamp until) override {
        tell([id = id_, until](RelayedSessions& all) { all.hold(id, until); });
    }

  private:
    template <typename Fn>
    void tell(Fn fn) {
        loop_.post([home = home_, fn = std::move(fn)]() mutable {
            if (*home) fn(**home);
        });
    }
    void respond(std::string response) {
        tell([id = id_, response = std::move(response)](RelayedSessions& all) mutable {
            all.relay_->respond(id, std::move(response));
        });
    }

    net::EventLoop& loop_;
    Home home_;
    Id id_;
    std::shared_ptr<Far> far_;
};

RelayedSessions::RelayedSessions(ControlNode& node, CheckRoom check_room,
                                 std::function<bool()> over_limit)
    : node_(node),
      check_room_(std::move(check_room)),
      over_limit_(std::move(over_limit)),
      self_(std::make_shared<RelayedSessions*>(this)) {}

RelayedSessions::~RelayedSessions() {
    *self_ = nullptr;
}

// As of joins that come here, with codes after which nobody asks again. TOK-14: the node of the
// client may not have heard yet; others do not say when a token was issued. NODE-12: who reconnects
// is part of the load.
std::optional<rpc::Error> RelayedSessions::refusal_of_node(const relay::SessionStart& start) const {
    if (!start.node_id.empty() && node_.revocations().refuses(start.grants))
        return rpc::Error{rpc::Code::kUnauthenticated, std::string(token::kRevoked.text), {}};
    if (start.reconnect || !over_limit_ || !over_limit_()) return std::nullopt;
    return rpc::Error{rpc::Code::kResourceExhausted, std::string(cluster::nodes::kFullForJoin), {}};
}

// The room may have gone to another node since that was looked up.
void RelayedSessions::start(Id id, relay::SessionStart start) {
    if (const auto refusal = refusal_of_node(start)) return relay_->refuse(id, *refusal);
    sessions_.emplace(id, std::make_unique<Session>(node_.loop()));
    const std::string room = start.room;
    check_room_(room, [home = self_, id, start = std::move(start)](bool here) mutable {
        if (!*home || !(*home)->sessions_.contains(id)) return;
        if (here) return (*home)->begin(id, std::move(start));
        (*home)->sessions_.erase(id);
        (*home)->relay_->refuse(id,
                                {rpc::Code::kAborted, "the room is on another node by now", {}});
    });
}

void RelayedSessions::begin(Id id, relay::SessionStart start) {
    Session& session = *sessions_.at(id);
    session.shard = node_.shard_of(start.room);
    const bool must_exist = start.room_must_exist;
    ask(id, session,
        [&loop = node_.loop(), home = self_, id, far = session.far, must_exist,
         params = to_room(std::move(start))](ControlPlane& plane) {
            auto sink = std::make_unique<Sink>(loop, home, id, far);
            if (must_exist && !has_room_for(plane.rooms(), params))  // CON-32
                return sink->handle_refusal({{}, 404, "requested room does not exist", {}});
            far->id = plane.sessions().start(params, std::move(sink));
        });
}

// One thing at a time: what follows waits at the relay, which keeps only so much, and not before a
// shard that is slow (IMM-15). What this leads to here, hold() too, comes before answered().
void RelayedSessions::ask(Id id, Session& session, Callback<ControlPlane&> what) {
    session.asked = true;
    node_.run_in(session.shard, [&loop = node_.loop(), home = self_, id,
                                 what = std::move(what)](ControlPlane& plane) mutable {
        what(plane);
        loop.post([home, id] {
            if (*home) (*home)->answered(id);
        });
    });
}

void RelayedSessions::answered(Id id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    found->second->asked = false;
    readable(id);
}

void RelayedSessions::readable(Id id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    Session& session = *found->second;
    if (session.asked || session.held_until > net::EventLoop::now()) return;
    auto request = relay_->receive(id);
    if (!request) return;
    ask(id, session, [far = session.far, request = *std::move(request)](ControlPlane& plane) {
        if (far->id) plane.sessions().request(*far->id, request);
    });
}

void RelayedSessions::hold(Id id, Timestamp until) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    found->second->held_until = until;
    found->second->held.set(until, [this, id] { readable(id); });
}

void RelayedSessions::closed(Id id, const rpc::Error&) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    const std::unique_ptr<Session> session = std::move(found->second);
    sessions_.erase(found);
    node_.run_in(session->shard, [far = session->far](ControlPlane& plane) {
        if (far->id) plane.sessions().gone(*far->id);
    });
}

// The room's side has ended; what it said before is on its way already.
void RelayedSessions::over(Id id) {
    if (sessions_.erase(id) > 0) relay_->close(id);
}

}  // namespace confab::control
