// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What begins with which prefix (01 SID-01), for the reference of ids.
#pragma once

#include <array>

#include "token/ids.h"

namespace confab::token {

struct IdKind {
    std::string_view prefix;
    std::string_view what;
    std::string_view where;
};
inline constexpr std::array<IdKind, 19> kIdKinds{{
    {kRoomPrefix, "a room, from its start to its end", "`Room.sid`, webhooks, log"},
    {kNodePrefix, "a server process", "`ServerInfo.node_id`, metrics, log"},
    {kParticipantPrefix, "a participant, from a join to its end; resuming keeps it",
     "`ParticipantInfo.sid`"},
    {kTrackPrefix,
     "a track; `A` or `V`, then `C`, `M`, `S` or `s` for camera, microphone, screen, sound "
     "of the screen may follow",
     "`TrackInfo.sid`"},
    {kDataTrackPrefix, "a data track", "`DataTrackInfo.sid`"},
    {kConnectionPrefix, "one signalling connection", "log"},
    {kEgressPrefix, "a recording or stream", "`EgressInfo`"},
    {kIngressPrefix, "a source of media from outside", "`IngressInfo`"},
    {kSipTrunkPrefix, "a telephony trunk", "`SIPInboundTrunkInfo`, `SIPOutboundTrunkInfo`"},
    {kSipDispatchRulePrefix, "where calls of a trunk go", "`SIPDispatchRuleInfo`"},
    {kSipCallPrefix, "a telephone call", "`SIPCallInfo`, attribute `sip.callID`"},
    {kSipTransferPrefix, "the transfer of a call", "`SIPTransferInfo`"},
    {kRpcPrefix, "a call between services", "the bus"},
    {kWebhookEventPrefix, "a webhook; the same when it is sent again", "`WebhookEvent.id`"},
    {kAgentPrefix, "an agent in a room", "agents' identities"},
    {kAgentWorkerPrefix, "a connected agent worker", "`RegisterWorkerResponse`, log"},
    {kAgentJobPrefix, "one agent's work", "`Job.id`"},
    {kAgentDispatchPrefix, "the wish for an agent in a room", "`AgentDispatch.id`"},
    {kApiKeyPrefix, "an API key as `confab generate-keys` makes it", "`keys`"},
}};

}  // namespace confab::token
