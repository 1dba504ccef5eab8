// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RTP header (RFC 3550 §5.1) and the demultiplexing of everything that shares a media port
// (RFC 7983 §7, RFC 5761 §4, 02 ICE-02). Parsing gives views into the packet, never a copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/parse_error.h"

namespace confab::wire {

inline constexpr std::size_t kRtpFixedHeaderSize = 12;
inline constexpr std::size_t kMaxRtpCsrcs = 15;

enum class PacketKind : std::uint8_t { kUnknown, kStun, kDtls, kTurnChannel, kRtp, kRtcp };

// By the first byte, RTP from RTCP by the second.
PacketKind classify(BytesView packet);
inline bool is_rtp(BytesView packet) {
    return classify(packet) == PacketKind::kRtp;
}

struct RtpHeader {
    bool marker = false;
    std::uint8_t payload_type = 0;  // 0–127
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t ssrc = 0;
    std::uint8_t csrc_count = 0;
    bool has_extension = false;
    std::uint16_t extension_profile = 0;  // 0xBEDE, 0x100X, or something else
    BytesView extension;                  // the words behind profile and length
    std::uint16_t header_size = 0;        // all of the above, in bytes
    std::uint8_t padding_size = 0;        // at the end of the packet, its count byte included
};

struct RtpPacketView {
    RtpHeader header;
    BytesView packet;   // all of it
    BytesView payload;  // without header and padding; empty for a padding-only packet

    std::uint32_t csrc(std::size_t index) const {  // index < header.csrc_count
        return load_be32(packet.data() + kRtpFixedHeaderSize + 4 * index);
    }
};

// Errors: kVersion, kTruncated, kLength (extension beyond the packet), kPadding.
Result<RtpPacketView, ParseError> parse_rtp(BytesView packet);

// What parse_rtp() reads first, for looking at a packet before SRTP has authenticated it.
struct RtpPeek {
    std::uint8_t payload_type = 0;
    std::uint16_t sequence = 0;
    std::uint32_t ssrc = 0;
};
Result<RtpPeek, ParseError> peek_rtp(BytesView packet);

// Size of header, CSRCs and extension without looking at the padding, which SRTP encrypts.
// Errors: kVersion, kTruncated, kLength.
Result<std::size_t, ParseError> rtp_header_size(BytesView packet);

// Fixed header and CSRCs; bit X is set when header.has_extension (the caller writes that block
// next, see rtp_extensions.h), bit P when header.padding_size > 0 (the caller ends with
// write_rtp_padding). csrc_count, header_size and extension of `header` are ignored.
void write_rtp_header(ByteWriter& out, const RtpHeader& header,
                      std::span<const std::uint32_t> csrcs = {});
// `size` − 1 zero bytes and the count; size ≥ 1.
void write_rtp_padding(ByteWriter& out, std::uint8_t size);

// Patches in place; `packet` has been parsed.
inline void set_rtp_sequence(BytesSpan packet, std::uint16_t v) {
    store_be16(packet.data() + 2, v);
}
inline void set_rtp_timestamp(BytesSpan packet, std::uint32_t v) {
    store_be32(packet.data() + 4, v);
}
inline void set_rtp_ssrc(BytesSpan packet, std::uint32_t v) {
    store_be32(packet.data() + 8, v);
}

}  // namespace confab::wire
