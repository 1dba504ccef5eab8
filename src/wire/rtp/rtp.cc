// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtp/rtp.h"

// RFC 3550 §5.1:
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |V=2|P|X|  CC   |M|     PT      |       sequence number         |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                           timestamp                           |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |           synchronization source (SSRC) identifier            |
// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
// |            contributing source (CSRC) identifiers             |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |      defined by profile       |       length in words         |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

namespace confab::wire {
namespace {

constexpr std::uint8_t kVersionBits = 0x80;
constexpr std::uint8_t kPaddingBit = 0x20;
constexpr std::uint8_t kExtensionBit = 0x10;
constexpr std::uint8_t kMarkerBit = 0x80;
constexpr std::size_t kExtensionHeaderSize = 4;

Result<void, ParseError> check_fixed(BytesView packet) {
    if (packet.size() < kRtpFixedHeaderSize) return fail(ParseError::kTruncated);
    if ((packet[0] & 0xC0) != kVersionBits) return fail(ParseError::kVersion);
    return {};
}

// Reads everything but the padding.
Result<RtpHeader, ParseError> parse_header(BytesView packet) {
    CONFAB_TRY_VOID(check_fixed(packet));
    RtpHeader header;
    header.marker = (packet[1] & kMarkerBit) != 0;
    header.payload_type = packet[1] & 0x7F;
    header.sequence = load_be16(&packet[2]);
    header.timestamp = load_be32(&packet[4]);
    header.ssrc = load_be32(&packet[8]);
    header.csrc_count = packet[0] & 0x0F;
    std::size_t size = kRtpFixedHeaderSize + std::size_t{4} * header.csrc_count;
    if (packet.size() < size) return fail(ParseError::kTruncated);
    if ((packet[0] & kExtensionBit) != 0) {
        if (packet.size() < size + kExtensionHeaderSize) return fail(ParseError::kTruncated);
        header.has_extension = true;
        header.extension_profile = load_be16(&packet[size]);
        const std::size_t length = std::size_t{4} * load_be16(&packet[size + 2]);
        size += kExtensionHeaderSize;
        if (packet.size() - size < length) return fail(ParseError::kLength);
        header.extension = packet.subspan(size, length);
        size += length;
    }
    // header_size has 16 bits; nothing that arrives in a datagram or RFC 4571 frame needs more.
    if (size > 0xFFFF) return fail(ParseError::kLength);
    header.header_size = static_cast<std::uint16_t>(size);
    return header;
}

}  // namespace

PacketKind classify(BytesView packet) {
    if (packet.empty()) return PacketKind::kUnknown;
    const std::uint8_t first = packet[0];
    if (first <= 3) return PacketKind::kStun;
    if (first >= 20 && first <= 63) return PacketKind::kDtls;
    if (first >= 64 && first <= 79) return PacketKind::kTurnChannel;
    if (first < 128 || first > 191 || packet.size() < 2) return PacketKind::kUnknown;
    const std::uint8_t type = packet[1] & 0x7F;
    return type >= 64 && type <= 95 ? PacketKind::kRtcp : PacketKind::kRtp;
}

Result<RtpPacketView, ParseError> parse_rtp(BytesView packet) {
    CONFAB_TRY(RtpHeader header, parse_header(packet));
    BytesView payload = packet.subspan(header.header_size);
    if ((packet[0] & kPaddingBit) != 0) {
        const std::uint8_t padding = payload.empty() ? std::uint8_t{0} : payload.back();
        if (padding == 0 || padding > payload.size()) return fail(ParseError::kPadding);
        header.padding_size = padding;
        payload = payload.first(payload.size() - padding);
    }
    return RtpPacketView{header, packet, payload};
}

Result<RtpPeek, ParseError> peek_rtp(BytesView packet) {
    CONFAB_TRY_VOID(check_fixed(packet));
    RtpPeek peek;
    peek.payload_type = packet[1] & 0x7F;
    peek.sequence = load_be16(&packet[2]);
    peek.ssrc = load_be32(&packet[8]);
    return peek;
}

Result<std::size_t, ParseError> rtp_header_size(BytesView packet) {
    CONFAB_TRY(const RtpHeader header, parse_header(packet));
    return std::size_t{header.header_size};
}

void write_rtp_header(ByteWriter& out, const RtpHeader& header,
                      std::span<const std::uint32_t> csrcs) {
    const std::size_t csrc_count = csrcs.size() < kMaxRtpCsrcs ? csrcs.size() : kMaxRtpCsrcs;
    unsigned first = kVersionBits | static_cast<unsigned>(csrc_count);
    if (header.padding_size > 0) first |= kPaddingBit;
    if (header.has_extension) first |= kExtensionBit;
    unsigned second = header.payload_type & 0x7FU;
    if (header.marker) second |= kMarkerBit;
    out.u8(static_cast<std::uint8_t>(first));
    out.u8(static_cast<std::uint8_t>(second));
    out.u16(header.sequence);
    out.u32(header.timestamp);
    out.u32(header.ssrc);
    for (const std::uint32_t csrc : csrcs.first(csrc_count))
        out.u32(csrc);
}

void write_rtp_padding(ByteWriter& out, std::uint8_t size) {
    if (size == 0) return;
    out.zeros(size - std::size_t{1});
    out.u8(size);
}

}  // namespace confab::wire
