// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DATA, SACK, FORWARD-TSN, SHUTDOWN, ABORT and ERROR codecs (RFC 9260 §3.3, RFC 3758 §3.2).
#include "wire/sctp/sctp_chunks.h"

#include <algorithm>

namespace confab::wire::sctp {
namespace {

constexpr std::uint8_t kFlagEnd = 0x01;
constexpr std::uint8_t kFlagBegin = 0x02;
constexpr std::uint8_t kFlagUnordered = 0x04;
constexpr std::uint8_t kFlagImmediate = 0x08;
constexpr std::size_t kSackFixed = 12;
constexpr std::size_t kCauseHeader = 4;

}  // namespace

Result<DataChunk, ParseError> parse_data(const ChunkView& chunk) {
    ByteReader reader(chunk.value);
    DataChunk data;
    data.tsn = reader.u32();
    data.stream = reader.u16();
    data.ssn = reader.u16();
    data.ppid = reader.u32();
    if (!reader.ok()) return fail(ParseError::kTooShort);
    data.payload = reader.rest();
    if (data.payload.empty()) return fail(ParseError::kNoUserData);
    data.unordered = (chunk.flags & kFlagUnordered) != 0;
    data.begin = (chunk.flags & kFlagBegin) != 0;
    data.end = (chunk.flags & kFlagEnd) != 0;
    data.immediate = (chunk.flags & kFlagImmediate) != 0;
    return data;
}

bool write_data(PacketWriter& packet, const DataChunk& data) {
    const int flags = (data.end ? kFlagEnd : 0) | (data.begin ? kFlagBegin : 0) |
                      (data.unordered ? kFlagUnordered : 0) | (data.immediate ? kFlagImmediate : 0);
    auto writer = packet.chunk(ChunkType::kData, static_cast<std::uint8_t>(flags),
                               kDataHeaderSize - kChunkHeaderSize + data.payload.size());
    if (!writer) return false;
    writer->u32(data.tsn);
    writer->u16(data.stream);
    writer->u16(data.ssn);
    writer->u32(data.ppid);
    writer->bytes(data.payload);
    return true;
}

Result<SackView, ParseError> parse_sack(const ChunkView& chunk) {
    ByteReader reader(chunk.value);
    SackView sack;
    sack.cumulative_tsn = reader.u32();
    sack.a_rwnd = reader.u32();
    const std::size_t gaps = reader.u16();
    const std::size_t duplicates = reader.u16();
    if (!reader.ok()) return fail(ParseError::kTooShort);
    sack.gaps = reader.bytes(gaps * 4);
    sack.duplicates = reader.bytes(duplicates * 4);
    if (!reader.ok()) return fail(ParseError::kBadLength);
    return sack;
}

bool write_sack(PacketWriter& packet, std::uint32_t cumulative_tsn, std::uint32_t a_rwnd,
                std::span<const GapBlock> gaps, std::span<const std::uint32_t> duplicates) {
    const std::size_t room = packet.room();
    if (room < kSackFixed) return false;
    const std::size_t entries = (room - kSackFixed) / 4;
    gaps = gaps.first(std::min(gaps.size(), entries));
    duplicates = duplicates.first(std::min(duplicates.size(), entries - gaps.size()));
    auto writer =
        packet.chunk(ChunkType::kSack, 0, kSackFixed + (gaps.size() + duplicates.size()) * 4);
    if (!writer) return false;
    writer->u32(cumulative_tsn);
    writer->u32(a_rwnd);
    writer->u16(static_cast<std::uint16_t>(gaps.size()));
    writer->u16(static_cast<std::uint16_t>(duplicates.size()));
    for (const GapBlock& gap : gaps) {
        writer->u16(gap.start);
        writer->u16(gap.end);
    }
    for (const std::uint32_t tsn : duplicates)
        writer->u32(tsn);
    return true;
}

Result<ForwardTsnView, ParseError> parse_forward_tsn(const ChunkView& chunk) {
    ByteReader reader(chunk.value);
    ForwardTsnView view;
    view.new_cumulative_tsn = reader.u32();
    if (!reader.ok()) return fail(ParseError::kTooShort);
    if (reader.remaining() % 4 != 0) return fail(ParseError::kBadLength);
    view.skipped = reader.rest();
    return view;
}

bool write_forward_tsn(PacketWriter& packet, std::uint32_t new_cumulative_tsn,
                       std::span<const SkippedStream> skipped) {
    auto writer = packet.chunk(ChunkType::kForwardTsn, 0, 4 + skipped.size() * 4);
    if (!writer) return false;
    writer->u32(new_cumulative_tsn);
    for (const SkippedStream& s : skipped) {
        writer->u16(s.stream);
        writer->u16(s.ssn);
    }
    return true;
}

Result<std::uint32_t, ParseError> parse_shutdown(const ChunkView& chunk) {
    ByteReader reader(chunk.value);
    const std::uint32_t tsn = reader.u32();
    if (!reader.ok()) return fail(ParseError::kTooShort);
    return tsn;
}

bool write_shutdown(PacketWriter& packet, std::uint32_t cumulative_tsn) {
    auto writer = packet.chunk(ChunkType::kShutdown, 0, 4);
    if (writer) writer->u32(cumulative_tsn);
    return writer.has_value();
}

Cause first_cause(const ChunkView& chunk) {
    ByteReader reader(chunk.value);
    const std::uint16_t code = reader.u16();
    const std::uint16_t length = reader.u16();
    if (!reader.ok() || length < kCauseHeader) return Cause::kNone;
    return static_cast<Cause>(code);
}

bool write_with_cause(PacketWriter& packet, ChunkType type, std::uint8_t flags, Cause cause,
                      BytesView info) {
    const std::size_t size = cause == Cause::kNone ? 0 : kCauseHeader + info.size();
    auto writer = packet.chunk(type, flags, size);
    if (!writer) return false;
    if (cause == Cause::kNone) return true;
    writer->u16(static_cast<std::uint16_t>(cause));
    writer->u16(static_cast<std::uint16_t>(size));
    writer->bytes(info);
    return true;
}

}  // namespace confab::wire::sctp
