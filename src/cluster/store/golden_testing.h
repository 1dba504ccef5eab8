// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Records as livekit-server 1.13.5 wrote them, decoded, with a field of a version to come behind.
#pragma once

#include <string>
#include <string_view>

#include "proto/proto_json.h"

namespace confab::cluster::store::testing {

inline constexpr std::string_view kUnknown =
    "\xc2\xbb\x01\x05"
    "later";  // field 3000

template <typename Message>
std::string golden(std::string_view json) {
    Message message;
    if (!proto::parse_json(json, message)) return "no record";
    return message.SerializeAsString().append(kUnknown);
}

inline constexpr std::string_view kRoomJson = R"({"creationTime":"1795162001",
"creationTimeMs":"1795162001015","departureTimeout":20,"emptyTimeout":300,"enabledCodecs":[
{"mime":"audio/PCMU"},{"mime":"audio/PCMA"},{"mime":"audio/opus"},{"mime":"audio/red"},
{"mime":"video/VP8"},{"mime":"video/H264"},{"mime":"video/VP9"},{"mime":"video/AV1"},
{"mime":"video/H265"},{"mime":"video/rtx"}],"metadata":"m","name":"gold room-1",
"sid":"RM_eqm5iUmAv46F","turnPassword":"N5qT3Ufymv7aJ5vwHCWcji5PWK11Yi59dB8I57Mijze"})";
inline constexpr std::string_view kInternalJson =
    R"({"agentDispatches":[{"agentName":"bot"}],"playoutDelay":{}})";
inline constexpr std::string_view kParticipantJson = R"({"capabilities":["CAP_PACKET_TRAILER",
"CAP_COMPRESSION_DEFLATE_RAW"],"clientProtocol":2,"identity":"alice","joinedAt":"1795162002",
"joinedAtMs":"1795162002063","permission":{"canPublish":true,"canPublishData":true,
"canSubscribe":true,"canUpdateMetadata":true},"region":"n1","sid":"PA_m7YbPUv6mxae",
"state":"ACTIVE","version":2})";
inline constexpr std::string_view kIngressJson = R"({"enableTranscoding":true,
"ingressId":"IN_sZzwWmykeiSD","name":"i","participantIdentity":"p","reusable":true,"roomName":"ir",
"streamKey":"BoMAZpWJKbkN"})";
inline constexpr std::string_view kTrunkJson =
    R"({"name":"t","numbers":["+1"],"sipTrunkId":"ST_DtYySqhUsu4r"})";
inline constexpr std::string_view kRuleJson = R"({"media":{},"rule":{"dispatchRuleDirect":
{"roomName":"x"}},"sipDispatchRuleId":"SDR_KWPrqD87By8K"})";
inline constexpr std::string_view kDispatchJson = R"({"agentName":"xbot","id":"AD_6hpH2PPdBcZG",
"metadata":"jm","room":"gold room-1","state":{"createdAt":"1795162007957188197"}})";
inline constexpr std::string_view kJobJson = R"({"agentName":"xbot","dispatchId":"AD_6hpH2PPdBcZG",
"id":"AJ_yeFE7WaZySEi","metadata":"jm","state":{"participantIdentity":"agent-AJ_yeFE7WaZySEi",
"startedAt":"1795162008161857620","status":"JS_RUNNING","updatedAt":"1795162008161857620",
"workerId":"AW_ocriF8ocgZ2X"}})";

}  // namespace confab::cluster::store::testing
