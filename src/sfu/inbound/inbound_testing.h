// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Publishers as an inbound stream sees them: packets built from a few numbers, originals and
// retransmissions of one SSRC, and what is asked of the publisher.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "sfu/inbound/inbound_stream.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::sfu::inbound_test {

inline constexpr std::uint32_t kSsrc = 0x11223344;
inline Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

inline AddReceiver video_receiver() {
    AddReceiver receiver;
    receiver.kind = MediaKind::kVideo;
    receiver.codecs = {{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true}};
    receiver.layers = {{"", 0, std::nullopt, std::nullopt, 640, 360}};
    return receiver;
}

struct PacketSpec {
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::uint8_t pt = 96;
    std::uint32_t ssrc = kSsrc;
    Bytes payload;
    std::uint8_t padding{0};
    std::optional<std::uint8_t> level{};
    bool marker{false};
};

inline Bytes build(const PacketSpec& spec) {
    Bytes packet(1500);
    ByteWriter out(packet);
    wire::RtpHeader header;
    header.payload_type = spec.pt;
    header.marker = spec.marker;
    header.sequence = spec.sequence;
    header.timestamp = spec.timestamp;
    header.ssrc = spec.ssrc;
    header.padding_size = spec.padding;
    header.has_extension = spec.level.has_value();
    wire::write_rtp_header(out, header);
    if (spec.level) {
        wire::ExtensionWriter extensions;
        extensions.add_audio_level(1, {true, *spec.level});
        CHECK(extensions.write(out));
    }
    out.bytes(spec.payload);
    if (spec.padding > 0) wire::write_rtp_padding(out, spec.padding);
    packet.resize(out.size());
    return packet;
}

// VP8: a one-byte descriptor and a key frame head (start code, 16×8), or a delta frame.
inline Bytes vp8_key() {
    return {0x10, 0x00, 0x00, 0x00, 0x9D, 0x01, 0x2A, 16, 0, 8, 0, 1, 2, 3};
}
inline Bytes vp8_delta() {
    return {0x10, 0x01, 9, 9, 9};
}

class Feed {
  public:
    explicit Feed(AddReceiver receiver)
        : receiver_(std::move(receiver)),
          stream_(receiver_, receiver_.layers.front(), Ssrc(kSsrc)) {}
    std::optional<MediaPacket> operator()(std::int64_t ms, const PacketSpec& spec) {
        last_ = build(spec);
        return stream_.receive(at_ms(ms), wire::parse_rtp(last_).value());
    }
    std::optional<MediaPacket> rtx(std::int64_t ms, PacketSpec spec, std::uint16_t original) {
        Bytes payload{static_cast<std::uint8_t>(original >> 8),
                      static_cast<std::uint8_t>(original)};
        payload.insert(payload.end(), spec.payload.begin(), spec.payload.end());
        spec.payload = payload;
        spec.ssrc = 99;
        last_ = build(spec);
        return stream_.receive_rtx(at_ms(ms), wire::parse_rtp(last_).value(), last_);
    }
    AddReceiver receiver_;
    InboundStream stream_;
    Bytes last_;
};

inline std::vector<std::uint16_t> nacked(InboundStream& stream, Timestamp now) {
    std::array<std::uint8_t, 1200> buffer{};
    ByteWriter out(buffer);
    std::vector<std::uint16_t> list;
    if (!stream.write_nack(now, out)) return list;
    wire::RtcpReader reader(out.written());
    const auto nack = wire::parse_nack(reader.next().value()).value();
    CHECK(nack.media_ssrc == kSsrc);
    CHECK(nack.sender_ssrc == kSsrc);
    nack.for_each([&](std::uint16_t s) { list.push_back(s); });
    return list;
}

inline AddReceiver audio_receiver(bool red_first) {
    AddReceiver receiver;
    receiver.kind = MediaKind::kAudio;
    const ReceiveCodec opus{Codec::kOpus, PayloadType(111), std::nullopt, 48'000, true};
    const ReceiveCodec red{Codec::kRed, PayloadType(63), std::nullopt, 48'000, false};
    receiver.codecs = red_first ? std::vector{red, opus} : std::vector{opus, red};
    receiver.extensions.audio_level = 1;
    receiver.layers = {{}};
    return receiver;
}

}  // namespace confab::sfu::inbound_test
