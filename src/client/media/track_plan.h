// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A track as its publisher sends it and as a subscriber is told of it. Every client uses the same
// payload types and extension ids in what it offers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace confab::client {

enum class MediaKind : std::uint8_t { kAudio, kVideo };

inline constexpr std::uint8_t kOpusType = 111;
inline constexpr std::uint8_t kRedType = 63;  // of Opus
inline constexpr std::uint8_t kVp8Type = 96;
inline constexpr std::uint8_t kVp8RtxType = 97;

// Header extension ids, of both directions.
inline constexpr std::uint8_t kMidExtension = 4;
inline constexpr std::uint8_t kRidExtension = 10;
inline constexpr std::uint8_t kRepairedRidExtension = 11;
inline constexpr std::uint8_t kAudioLevelExtension = 6;
inline constexpr std::uint8_t kTransportCcExtension = 3;
inline constexpr std::uint8_t kAbsSendTimeExtension = 2;

struct Clip;

struct LayerPlan {
    std::string rid;  // empty: the only one, without rid
    std::uint32_t ssrc = 0;
    std::uint32_t rtx_ssrc = 0;
    std::uint16_t width = 0;
    std::uint16_t height = 0;
    std::uint8_t packets_per_frame = 1;
    // Sizes as those of a real encoder around this average; 0: packets_per_frame of one size each.
    std::uint32_t bit_rate = 0;
};

struct TrackPlan {
    std::uint32_t number = 0;  // unique in a run; stands in every payload
    MediaKind kind = MediaKind::kAudio;
    std::string mid;
    std::vector<LayerPlan> layers;         // lowest first
    std::uint32_t frames_per_second = 15;  // of video
    std::uint32_t audio_frame_ms = 20;
    // A client that goes on sending while the track is muted must not be heard all the same.
    bool sends_while_muted = false;
    bool announce_ssrcs = false;  // a=ssrc lines instead of mid and rid extensions
    // Stamps say when a frame was really sent, not when it was due: latency is that of the network.
    bool stamps_sending = false;
    // What is sent instead of synthetic frames.
    std::shared_ptr<const Clip> clip = nullptr;
    // Layers that no subscriber wants are not encoded (dynacast, 02 DYN-02).
    bool follows_quality = false;
};

inline std::uint32_t clock_rate(MediaKind kind) {
    return kind == MediaKind::kAudio ? 48'000 : 90'000;
}

}  // namespace confab::client
