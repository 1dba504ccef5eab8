// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Synthetic sources and subscribers for the tests of forwarding.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "sfu/forward/down_track.h"
#include "sfu/forward/source_state.h"
#include "sfu/packet/media_packet.h"

namespace confab::sfu::test {

// The structure of a Chromium AV1 L3T3_KEY key frame (02 IN-26), from a recording.
inline constexpr std::string_view kL3T3KeyStructure =
    "80000180081485214eaaaaa8000600004000100002aa80a8000600004000100002a000a80006000040001"
    "6d549241b5524906d54923157e001974ca864330e222396eca8655304224390eca8775300ef008601df010d"
    "03bf021b";

inline Bytes from_hex(std::string_view text) {
    const auto digit = [](char c) {
        return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    };
    Bytes out;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2)
        out.push_back(static_cast<std::uint8_t>((digit(text[i]) << 4) | digit(text[i + 1])));
    return out;
}

inline Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

inline AddDownTrack subscription(Codec codec, std::uint8_t pt = 96) {
    AddDownTrack out;
    out.down_track = DownTrackId(1);
    out.kind = kind_of(codec);
    out.ssrc = Ssrc(0x1111);
    out.rtx_ssrc = Ssrc(0x2222);
    out.cname = "PA_pub|TR_cam";
    out.mid = "1";
    out.codecs = {{codec, PayloadType(pt), PayloadType(static_cast<std::uint8_t>(pt + 1)),
                   kind_of(codec) == MediaKind::kVideo ? 90'000U : 48'000U, true}};
    out.extensions.abs_send_time = 3;
    out.extensions.abs_capture_time = 2;
    out.extensions.dependency_descriptor = 1;
    return out;
}

inline SourceState source_of(Codec codec) {
    SourceState out;
    out.codec = codec;
    out.clock_rate = kind_of(codec) == MediaKind::kVideo ? 90'000 : 48'000;
    out.available = kind_of(codec) == MediaKind::kVideo ? 7 : 0;
    return out;
}

// One stream of a publisher: packets with growing numbers and times.
class Stream {
  public:
    Stream(Codec codec, std::uint8_t spatial, std::int64_t sequence, std::int64_t timestamp)
        : sequence_(sequence) {
        packet_.codec = codec;
        packet_.spatial = spatial;
        packet_.timestamp = timestamp;
        packet_.payload = payload_;
        packet_.vp8.start_of_partition = true;
        packet_.vp8.size = 1;
        packet_.frame_start = packet_.frame_end = packet_.marker = true;
    }
    // The next packet, `ticks` behind the one before; a frame of its own.
    MediaPacket next(std::int64_t ticks = 0, bool key = false, std::uint8_t temporal = 0) {
        packet_.timestamp += ticks;
        packet_.sequence = sequence_++;
        packet_.key_frame = key;
        packet_.temporal = temporal;
        return packet_;
    }
    void lose(std::int64_t count = 1) { sequence_ += count; }
    MediaPacket& packet() { return packet_; }

  private:
    std::array<std::uint8_t, 40> payload_{};
    std::int64_t sequence_;
    MediaPacket packet_;
};

// Forwards one packet of which at most one comes out.
inline std::optional<ForwardedPacket> pass(DownTrack& track, const MediaPacket& packet,
                                           Timestamp now) {
    std::array<ForwardedPacket, DownTrack::kMaxPerPacket> out;
    const std::size_t count = track.forward(packet, now, out);
    if (count != 1) return std::nullopt;
    return out[0];
}

inline std::vector<SyntheticPacket> drain(DownTrack& track) {
    std::vector<SyntheticPacket> out;
    while (auto packet = track.poll_transmit())
        out.push_back(*packet);
    return out;
}

}  // namespace confab::sfu::test
