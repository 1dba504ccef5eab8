// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtcp/transport_cc.h"

#include <algorithm>

// draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1, behind the two SSRCs:
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |      base sequence number     |      packet status count      |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                 reference time                | fb pkt. count |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |          packet chunk         |         packet chunk          |
// .                                                               .
// |         packet chunk          |  recv delta   |  recv delta   |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// Chunks of 16 bits:  |0| S |      run length         |   13 bits
//                     |1|0|        symbol list        |   14 symbols of 1 bit
//                     |1|1|        symbol list        |   7 symbols of 2 bits
// Symbols: 0 not received, 1 small delta (unsigned byte), 2 large or negative delta (signed, two
// bytes), 3 reserved.

namespace confab::wire {
namespace {

constexpr std::uint16_t kVectorBit = 0x8000;
constexpr std::uint16_t kTwoBitSymbols = 0x4000;

std::uint16_t symbols_in(std::uint16_t chunk) {
    if ((chunk & kVectorBit) == 0) return chunk & 0x1FFF;
    return (chunk & kTwoBitSymbols) == 0 ? 14 : 7;
}

// The symbol that has `left` − 1 symbols of its chunk behind it.
std::uint8_t symbol_at(std::uint16_t chunk, unsigned left) {
    if ((chunk & kVectorBit) == 0) return (chunk >> 13) & 3;
    if ((chunk & kTwoBitSymbols) == 0) return (chunk >> (left - 1)) & 1;
    return (chunk >> (2 * (left - 1))) & 3;
}

// Bytes of receive deltas behind the first `count` symbols of a chunk.
Result<std::size_t, ParseError> delta_bytes(std::uint16_t chunk, std::size_t count) {
    if ((chunk & kVectorBit) == 0) {
        const std::uint8_t symbol = symbol_at(chunk, 1);
        if (symbol == 3 && count > 0) return fail(ParseError::kMalformed);
        return symbol * count;
    }
    std::size_t bytes = 0;
    const unsigned total = symbols_in(chunk);
    for (unsigned i = 0; i < count; ++i) {
        const std::uint8_t symbol = symbol_at(chunk, total - i);
        if (symbol == 3) return fail(ParseError::kMalformed);
        bytes += symbol;
    }
    return bytes;
}

std::int32_t sign_extend_24(std::uint32_t value) {
    const auto positive = static_cast<std::int32_t>(value);
    return positive >= 0x800000 ? positive - 0x1000000 : positive;
}

}  // namespace

Result<TransportFeedback, ParseError> parse_transport_feedback(const RtcpBlock& block) {
    if (block.type != RtcpType::kTransportFeedback || block.count != kFormatTransportCc)
        return fail(ParseError::kType);
    ByteReader reader(block.body);
    TransportFeedback feedback;
    feedback.sender_ssrc = reader.u32();
    feedback.media_ssrc = reader.u32();
    feedback.base_sequence = reader.u16();
    feedback.status_count = reader.u16();
    feedback.reference_time = sign_extend_24(reader.u24());
    feedback.feedback_count = reader.u8();
    if (!reader.ok()) return fail(ParseError::kTruncated);
    if (feedback.status_count == 0) return fail(ParseError::kMalformed);

    const std::size_t chunks_start = reader.position();
    std::size_t left = feedback.status_count;
    std::size_t needed = 0;
    while (left > 0) {
        const std::uint16_t chunk = reader.u16();
        if (!reader.ok()) return fail(ParseError::kTruncated);
        const std::size_t count = std::min<std::size_t>(left, symbols_in(chunk));
        CONFAB_TRY(const std::size_t bytes, delta_bytes(chunk, count));
        needed += bytes;
        left -= count;
    }
    feedback.chunks = block.body.subspan(chunks_start, reader.position() - chunks_start);
    feedback.deltas = reader.rest();
    if (needed > feedback.deltas.size()) return fail(ParseError::kTruncated);
    return feedback;
}

TransportStatusCursor::TransportStatusCursor(const TransportFeedback& feedback)
    : chunks_(feedback.chunks),
      deltas_(feedback.deltas),
      sequence_(feedback.base_sequence),
      left_(feedback.status_count),
      time_us_(feedback.reference_time * kTransportCcReferenceUs) {}

std::uint8_t TransportStatusCursor::next_symbol() {
    while (left_in_chunk_ == 0) {
        if (chunks_.size() < 2) return 0;
        chunk_ = load_be16(chunks_.data());
        chunks_ = chunks_.subspan(2);
        left_in_chunk_ = symbols_in(chunk_);
    }
    return symbol_at(chunk_, left_in_chunk_--);
}

std::optional<TransportStatus> TransportStatusCursor::next() {
    if (left_ == 0) return std::nullopt;
    --left_;
    TransportStatus status;
    status.sequence = sequence_++;
    const std::uint8_t size = next_symbol();
    if (size == 0 || size > 2 || size > deltas_.size()) return status;
    const std::int64_t delta =
        size == 1 ? deltas_[0] : static_cast<std::int16_t>(load_be16(deltas_.data()));
    deltas_ = deltas_.subspan(size);
    time_us_ += delta * kTransportCcTickUs;
    status.received = true;
    status.arrival = Duration::micros(time_us_);
    return status;
}

}  // namespace confab::wire
