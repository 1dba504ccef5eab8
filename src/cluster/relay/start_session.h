// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The start of a relayed session (03 NODE-22): what a client may and wants, as the node that has
// its WebSocket found out, to the node that has the room. livekit.StartSession is what every node
// writes; rpc.StartDetails is what only ours does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/relay/batch.h"
#include "livekit_internal.pb.h"
#include "rpc/error.h"
#include "rpc_signal.pb.h"
#include "token/grants.h"
#include "token/limits.h"

namespace confab::cluster::relay {

// A validated request to join or resume; the defaults are those of a node that leaves a field out.
struct SessionStart {
    std::string room;  // its key, token::room_key()
    bool room_must_exist = false;
    // The token's, as the request changed them.
    token::Grants grants;
    livekit::ClientInfo client;
    std::string connection_id;  // CO_…; a new one for each attempt
    std::string node_id;        // that has the WebSocket; empty: another implementation
    bool single_peer_connection = false;
    bool auto_subscribe = false;
    bool auto_subscribe_data_track = false;
    bool adaptive_stream = false;
    bool disable_ice_lite = false;
    std::optional<bool> subscriber_allow_pause;  // empty: as configured
    bool reconnect = false;
    livekit::ReconnectReason reconnect_reason = livekit::RR_UNKNOWN;
    std::string participant_sid;  // of the session to resume
    std::optional<livekit::SessionDescription> publisher_offer;
    std::vector<livekit::AddTrackRequest> add_track_requests;
};

// Beyond these a start is refused; no node that checked its client sends such.
inline constexpr std::size_t kMaxGrantsJson = std::size_t{4} << 20;
inline constexpr std::size_t kMaxIdText = 64;
inline constexpr int kMaxAddTracks = 100;
inline constexpr std::size_t kMaxTenant = 256;

livekit::StartSession to_start_session(const SessionStart& start);
::rpc::StartDetails to_start_details(const SessionStart& start);
// Both as the first message of a stream (no seq).
std::string encode_start(const SessionStart& start);

// kInvalidArgument with a text that says what is wrong. Names over `limits` are refused, as the
// room would not. Where the grants name no room they are for that of the session.
Result<SessionStart, rpc::Error> from_start_session(livekit::StartSession message,
                                                    const ::rpc::StartDetails& details,
                                                    const token::Limits& limits);
// Of the first batch of a stream.
Result<SessionStart, rpc::Error> decode_start(const Batch& batch, const token::Limits& limits);

}  // namespace confab::cluster::relay
