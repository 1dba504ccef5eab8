// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Why participants end, as `leave`, webhooks and ParticipantInfo.disconnect_reason say it (01
// §3.9).
#pragma once

#include <array>
#include <string_view>

#include "livekit_models.pb.h"

namespace confab::room {

struct LeaveReason {
    livekit::DisconnectReason reason;
    std::string_view why;
};
inline constexpr std::array<LeaveReason, 17> kLeaveReasons{{
    {livekit::UNKNOWN_REASON, "not told"},
    {livekit::CLIENT_INITIATED, "the client left"},
    {livekit::DUPLICATE_IDENTITY,
     "somebody joined with the same identity; identities are unique in a "
     "room, the newest connection stays"},
    {livekit::SERVER_SHUTDOWN, "the server is stopped; clients come back by themselves"},
    {livekit::PARTICIPANT_REMOVED, "RemoveParticipant"},
    {livekit::ROOM_DELETED, "DeleteRoom"},
    {livekit::STATE_MISMATCH,
     "a client wanted to resume what this server does not know (any more), or is asked to come "
     "anew; "
     "SDKs join again by themselves"},
    {livekit::JOIN_FAILURE,
     "no media connection came about in time: see [firewall](../guide/firewall.md)"},
    {livekit::MIGRATION, "the participant goes on at another node"},
    {livekit::SIGNAL_CLOSE, "the WebSocket ended without a word and the client did not come back"},
    {livekit::ROOM_CLOSED,
     "nobody was left, or nobody came (`empty_timeout`, `departure_timeout`)"},
    {livekit::USER_UNAVAILABLE, "telephony: nobody answered"},
    {livekit::USER_REJECTED, "telephony: the call was refused"},
    {livekit::SIP_TRUNK_FAILURE, "telephony: the trunk did not take the call"},
    {livekit::CONNECTION_TIMEOUT, "the media connection was lost and did not come back"},
    {livekit::MEDIA_FAILURE, "telephony: no media came"},
    {livekit::AGENT_ERROR, "an agent failed"},
}};

}  // namespace confab::room
