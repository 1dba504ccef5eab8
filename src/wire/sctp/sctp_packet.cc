// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Common header, checksum and chunk walk of SCTP (RFC 9260 §3, §6.8).
#include "wire/sctp/sctp_packet.h"

#include <array>

#include "wire/sctp/sctp_crc32c.h"

namespace confab::wire::sctp {
namespace {

constexpr std::size_t kChecksumOffset = 8;
constexpr std::size_t kMaxChunkLength = 0xFFFF;

// The checksum is computed with its own field as zero.
std::uint32_t packet_checksum(BytesView bytes) {
    static constexpr std::array<std::uint8_t, 4> kZero{};
    std::uint32_t crc = crc32c(bytes.first(kChecksumOffset));
    crc = crc32c_extend(crc, kZero);
    return crc32c_extend(crc, bytes.subspan(kCommonHeaderSize));
}

// RFC 9260 Appendix A: the CRC goes out with its least significant byte first.
constexpr std::uint32_t swap_bytes(std::uint32_t v) {
    return (v >> 24) | ((v >> 8) & 0xFF00) | ((v << 8) & 0xFF0000) | (v << 24);
}

}  // namespace

Result<PacketView, ParseError> parse_packet(BytesView bytes) {
    if (bytes.size() < kCommonHeaderSize) return fail(ParseError::kTooShort);
    ByteReader reader(bytes);
    PacketView packet;
    packet.header.source_port = reader.u16();
    packet.header.destination_port = reader.u16();
    packet.header.verification_tag = reader.u32();
    const std::uint32_t checksum = reader.u32();
    if (swap_bytes(packet_checksum(bytes)) != checksum) return fail(ParseError::kBadChecksum);
    packet.chunks = reader.rest();
    return packet;
}

std::optional<ChunkView> ChunkReader::next() {
    if (!ok_ || rest_.empty()) return std::nullopt;
    ByteReader reader(rest_);
    ChunkView chunk;
    chunk.type = static_cast<ChunkType>(reader.u8());
    chunk.flags = reader.u8();
    const std::size_t length = reader.u16();
    if (!reader.ok() || length < kChunkHeaderSize || length > rest_.size()) {
        ok_ = false;
        return std::nullopt;
    }
    chunk.raw = rest_.first(length);
    chunk.value = chunk.raw.subspan(kChunkHeaderSize);
    const std::size_t step = padded(length);
    rest_ = step < rest_.size() ? rest_.subspan(step) : BytesView{};
    return chunk;
}

PacketWriter::PacketWriter(const CommonHeader& header, std::size_t mtu)
    : mtu_(mtu & ~std::size_t{3}) {
    bytes_.reserve(mtu_);
    bytes_.resize(kCommonHeaderSize);
    ByteWriter writer(bytes_);
    writer.u16(header.source_port);
    writer.u16(header.destination_port);
    writer.u32(header.verification_tag);
}

std::size_t PacketWriter::room() const {
    const std::size_t used = bytes_.size() + kChunkHeaderSize;
    return mtu_ > used ? mtu_ - used : 0;
}

std::optional<ByteWriter> PacketWriter::chunk(ChunkType type, std::uint8_t flags,
                                              std::size_t value_size) {
    const std::size_t length = kChunkHeaderSize + value_size;
    if (length > kMaxChunkLength || bytes_.size() + padded(length) > mtu_) return std::nullopt;
    const std::size_t at = bytes_.size();
    bytes_.resize(at + padded(length));
    ByteWriter header(BytesSpan(bytes_).subspan(at, kChunkHeaderSize));
    header.u8(static_cast<std::uint8_t>(type));
    header.u8(flags);
    header.u16(static_cast<std::uint16_t>(length));
    return ByteWriter(BytesSpan(bytes_).subspan(at + kChunkHeaderSize, value_size));
}

Bytes PacketWriter::finish() {
    store_be32(&bytes_[kChecksumOffset], 0);
    store_be32(&bytes_[kChecksumOffset], swap_bytes(packet_checksum(bytes_)));
    return std::move(bytes_);
}

}  // namespace confab::wire::sctp
