// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A track as both ends and the control plane agreed on it: what the offer and answer would say.
// Every client uses the same payload types and extension ids.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sfu/shard/commands.h"

namespace confab::sim {

inline constexpr std::uint8_t kOpusType = 111;
inline constexpr std::uint8_t kVp8Type = 96;
inline constexpr std::uint8_t kVp8RtxType = 97;

// Header extension ids, of both directions.
inline constexpr std::uint8_t kMidExtension = 4;
inline constexpr std::uint8_t kRidExtension = 10;
inline constexpr std::uint8_t kRepairedRidExtension = 11;
inline constexpr std::uint8_t kAudioLevelExtension = 6;
inline constexpr std::uint8_t kTransportCcExtension = 3;
inline constexpr std::uint8_t kAbsSendTimeExtension = 2;

struct LayerPlan {
    std::string rid;  // empty: the only one, without rid
    std::uint32_t ssrc = 0;
    std::uint32_t rtx_ssrc = 0;
    std::uint16_t width = 0;
    std::uint16_t height = 0;
    std::uint8_t packets_per_frame = 1;
};

struct TrackPlan {
    std::uint32_t number = 0;  // unique in a run; stands in every payload
    sfu::MediaKind kind = sfu::MediaKind::kAudio;
    std::string mid;
    std::vector<LayerPlan> layers;         // lowest first
    std::uint32_t frames_per_second = 15;  // of video
    // A client that goes on sending while the track is muted must not be heard all the same.
    bool sends_while_muted = false;
    bool announce_ssrcs = false;  // a=ssrc lines instead of mid and rid extensions
};

// What a subscriber is told about one stream sent to it.
struct SubscriptionPlan {
    std::uint32_t track = 0;
    sfu::MediaKind kind = sfu::MediaKind::kAudio;
    std::uint32_t ssrc = 0;
    std::uint32_t rtx_ssrc = 0;
    std::uint8_t payload_type = 0;
    std::uint8_t rtx_payload_type = 0;
};

inline std::uint32_t clock_rate(sfu::MediaKind kind) {
    return kind == sfu::MediaKind::kAudio ? 48'000 : 90'000;
}

}  // namespace confab::sim
