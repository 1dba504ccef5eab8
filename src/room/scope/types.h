// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What goes into the control plane and what comes out of it: sessions, join parameters, effects.
// One session is one signalling connection; a participant may outlive it and be resumed by another
// (01 SIG-160).
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/limits/bucket.h"
#include "base/net_address.h"
#include "base/result.h"
#include "base/shared.h"
#include "base/tagged.h"
#include "base/time.h"
#include "livekit_agent.pb.h"
#include "livekit_agent_dispatch.pb.h"
#include "livekit_data.pb.h"
#include "livekit_egress.pb.h"
#include "livekit_models.pb.h"
#include "livekit_room.pb.h"
#include "livekit_rtc.pb.h"
#include "livekit_webhook.pb.h"
#include "room/scope/observation.h"
#include "sfu/shard/commands.h"
#include "token/grants.h"

namespace confab::room {

using SessionId = Tagged<struct SessionIdTag, std::uint64_t>;
using RpcCallId = Tagged<struct RpcCallIdTag, std::uint64_t>;

// Both clocks of one moment; the wall clock is only shown to people (joined_at, created_at).
struct Clock {
    Timestamp now;
    UnixTime wall;
};

// All that start_session needs; verified and merged by the caller (01 CON-32, 37, 38, 40).
struct JoinParams {
    std::string room;                // its key (token/room_key.h)
    token::Grants grants;            // the token's, as the request changed them
    livekit::ClientInfo client;      // client.protocol() is the protocol version
    bool single_connection = false;  // a join_request was given (SIG-82)
    bool auto_subscribe = true;
    bool auto_subscribe_data_track = false;
    bool adaptive_stream = false;
    std::optional<bool> subscriber_allow_pause;
    bool disable_ice_lite = false;
    bool reconnect = false;
    livekit::ReconnectReason reconnect_reason = livekit::RR_UNKNOWN;
    std::string participant_sid;
    std::optional<livekit::SessionDescription> publisher_offer;
    std::vector<livekit::AddTrackRequest> add_track_requests;
    Rate signal_rate;  // of its messages, where they are read (OPS-05)
};

// ---------------------------------------------------------------- effects

struct SendSignal {
    SessionId session;
    livekit::SignalResponse response;
};
// The same for many: made once, and serialised once for each encoding.
struct Broadcast {
    std::vector<SessionId> sessions;
    livekit::SignalResponse response;
};
// A run of encoded other_participants fields of a join response, each as encoded_other() made it.
using EncodedOthers = Shared<std::string>;
// The join response; who is there already comes in runs that many join responses have in common,
// so that a join costs no list of messages.
struct SendJoin {
    SessionId session;
    livekit::SignalResponse response;
    std::vector<EncodedOthers> others;
};
std::string encoded_other(const livekit::ParticipantInfo& info);
// The message up to where `others` follow, and all of it.
std::string serialized_head(const SendJoin& join);
std::string serialized(const SendJoin& join);
livekit::SignalResponse whole(const SendJoin& join);
// Close the WebSocket after everything sent before is written.
struct CloseSession {
    SessionId session;
    std::uint16_t code = 1000;  // 1006: its bytes end without a close frame
};
// Instead of the first response: the upgrade is answered with this HTTP status (CON-31, CON-33).
struct RefuseSession {
    SessionId session;
    int status = 500;
    std::string text;
    std::string cause;  // for the operator's log, where the text must not say it
};
struct MediaCommand {
    sfu::WorkerIndex worker = 0;
    sfu::Command command;
};
struct WebhookEvent {
    livekit::WebhookEvent event;
    std::string tenant = {};  // of its room
};

// A participant has ended: what was given to it beside its room (its TURN allocations) ends too.
struct ParticipantOver {
    std::string sid;
};

// ---------------------------------------------------------------- effects for a store
// What other nodes may read of this one's rooms (03 RDS-02…04); made only when a store listens
// (Config::store_listens).

// Rooms are named by their keys here.

struct StoreRoom {
    livekit::Room room;
    // livekit.RoomInternal, encoded: what a newer version wrote there is kept (03 RDS-25).
    std::string internal;
};
// With all of its participants.
struct RemoveRoom {
    std::string room;
};
struct StoreParticipant {
    std::string room;
    livekit::ParticipantInfo info;
};
struct RemoveParticipant {
    std::string room;
    std::string identity;
};
// Agents that the room wants, and jobs that began (03 RDS-18, RDS-19).
struct StoreDispatch {
    std::string room;
    livekit::AgentDispatch dispatch;  // without jobs
};
struct RemoveDispatch {
    std::string room;
    std::string id;
};
struct StoreJob {
    std::string room;
    livekit::Job job;
};
struct RemoveJob {
    std::string room;
    std::string id;
};

// ---------------------------------------------------------------- effects for the history
// What an operator may look up later; made only where somebody keeps it (Config::history_listens).
// A session that is moved to another room ends in the one and begins in the other.
struct RoomNote {
    enum class What : std::uint8_t {
        kRoomStarted,
        kRoomFinished,
        kJoined,
        kLeft,
        kAborted,
        kRefused
    };
    What what = What::kRoomStarted;
    UnixTime at;
    std::string room;  // its key
    std::string room_sid = {};
    // Of participants.
    std::string identity = {};
    std::string sid = {};
    UnixTime joined = {};
    livekit::ClientInfo client = {};
    livekit::DisconnectReason reason = livekit::UNKNOWN_REASON;
    std::optional<sfu::ConnectionType> path = {};
    std::optional<float> quality = {};  // its last mean opinion score
    // Of kRefused, as RefuseSession has them.
    int status = 0;
    std::string text = {};
    std::string cause = {};
};

// ---------------------------------------------------------------- effects for recorders
// Made only where somebody can be asked to record (Config::egress_listens).

// What a room wants recorded without being asked each time (04 EGR-19). Nobody tells the room what
// became of it.
struct StartEgress {
    std::variant<livekit::RoomCompositeEgressRequest, livekit::ParticipantEgressRequest,
                 livekit::TrackEgressRequest>
        request;
    std::string room_sid;
    // The room was another node's before: one that was begun there may go on.
    bool may_run = false;
    std::string tenant = {};  // of the room
};

// ---------------------------------------------------------------- effects for agents
// Made only when somebody cares for agents (Config::agents_listen).

// Which workers there are somewhere, by what they registered with.
struct AgentKind {
    livekit::JobType type = livekit::JT_ROOM;
    std::string agent_name;
    std::string ns;  // namespace, deprecated
    std::string deployment;
    std::string tenant = {};  // whose workers they are
    auto operator<=>(const AgentKind&) const = default;
};
using AgentKinds = std::set<AgentKind>;

// A worker is to be found for it; what becomes of it is told with RoomManager::job_changed().
struct LaunchAgentJob {
    livekit::Job job;
    std::string tenant = {};
};
// It runs already, since before this node had the room: from now on what becomes of it is told
// here.
struct AdoptAgentJob {
    livekit::Job job;
    std::string tenant = {};
};
// Nobody is to look for a worker any more; a worker that has it is told to end it.
struct EndAgentJob {
    enum class Why : std::uint8_t {
        kUnwanted,
        kAgentLeft,   // the agent is gone already
        kAgentMoved,  // it goes on in another room, or with it elsewhere: no worker is told
    };
    std::string job;
    Why why = Why::kUnwanted;
};
// From when until when dispatches of a room can be asked for (03 RPC-05).
struct RoomServed {
    std::string room;  // its key
    bool open = true;
};

// ---------------------------------------------------------------- service calls

enum class ServiceCode : std::uint8_t {
    kInvalidArgument,
    kNotFound,
    kFailedPrecondition,
    kUnavailable,
    kInternal,
};
struct ServiceError {
    ServiceCode code = ServiceCode::kInternal;
    std::string text;
};
template <typename T>
using ServiceResult = Result<T, ServiceError>;

inline tl::unexpected<ServiceError> service_error(ServiceCode code, std::string text) {
    return tl::unexpected<ServiceError>(ServiceError{code, std::move(text)});
}

// How a call of perform_rpc() ended: what the method returned, the error it or the protocol gave,
// or that the participant is gone.
using RpcOutcome = std::variant<livekit::PerformRpcResponse, livekit::RpcError, ServiceError>;
struct RpcDone {
    RpcCallId call;
    RpcOutcome outcome;
};

using Effect = std::variant<SendSignal, Broadcast, SendJoin, CloseSession, RefuseSession,
                            MediaCommand, WebhookEvent, RpcDone, Observation, ParticipantOver,
                            StoreRoom, RemoveRoom, StoreParticipant, RemoveParticipant,
                            StoreDispatch, RemoveDispatch, StoreJob, RemoveJob, RoomNote,
                            StartEgress, LaunchAgentJob, AdoptAgentJob, EndAgentJob, RoomServed>;

}  // namespace confab::room
