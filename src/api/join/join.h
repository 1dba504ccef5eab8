// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a client asks for when it connects to /rtc or /rtc/v1, and whether it may (01 CON-30 …
// CON-40). The same function serves the validate twins.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/http_types.h"
#include "api/http/query.h"
#include "base/limits/bucket.h"
#include "base/result.h"
#include "livekit_rtc.pb.h"
#include "token/grants.h"
#include "token/limits.h"
#include "token/revocations.h"

namespace confab::api {

enum class JoinPath : std::uint8_t { kNone, kRtc, kRtcValidate, kRtcV1, kRtcV1Validate };
// kNone for every other path, "/rtc/" included.
JoinPath parse_join_path(std::string_view path);
constexpr bool is_validate(JoinPath path) {
    return path == JoinPath::kRtcValidate || path == JoinPath::kRtcV1Validate;
}

struct JoinHttpRequest {
    JoinPath path = JoinPath::kRtc;
    const QueryParams* query = nullptr;
    const token::Grants* grants = nullptr;  // null: no token
    std::string_view user_agent;
    std::string_view client_address;
    const token::Revocations* revocations = nullptr;  // null: none
};

struct JoinOptions {
    token::Limits limits;
    bool auto_create = true;  // room.auto_create
};

struct JoinParams {
    std::string room_name;         // its key, token::room_key()
    bool room_must_exist = false;  // nobody may create it by joining (CON-32)
    // The token's, with identity, publishes_for, metadata, attributes and canSubscribe as the
    // request changed them.
    token::Grants grants;
    livekit::ClientInfo client;
    bool single_peer_connection = false;
    bool auto_subscribe = true;
    bool auto_subscribe_data_track = false;
    bool adaptive_stream = false;
    bool disable_ice_lite = false;
    std::optional<bool> subscriber_allow_pause;  // empty: as configured
    bool reconnect = false;
    livekit::ReconnectReason reconnect_reason = livekit::RR_UNKNOWN;
    std::string participant_sid;  // of the session to resume
    bool publish_only = false;    // publish=
    std::optional<livekit::SessionDescription> publisher_offer;
    std::vector<livekit::AddTrackRequest> add_track_requests;
    Rate signal_rate;  // of its messages, where they are read (OPS-05)
};

// Whether a token lets its bearer join its room (CON-32).
Result<void, HttpError> check_join_grants(const token::Grants* grants,
                                          const token::Revocations* revocations,
                                          const JoinOptions& options);

Result<JoinParams, HttpError> validate_join(const JoinHttpRequest& request,
                                            const JoinOptions& options);

}  // namespace confab::api
