// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtcp/rtcp_feedback.h"

#include <bit>
#include <limits>

// RFC 4585 §6.1, behind the common header, whose count is the format:
//
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                     SSRC of packet sender                     |
// |                      SSRC of media source                     |
// :            Feedback Control Information (FCI)                 :
//
// NACK FCI:  |            PID              |             BLP             |
// FIR FCI:   |                            SSRC                           |
//            |   Seq nr.     |    Reserved                               |
// REMB FCI:  |      'R'      |      'E'      |      'M'      |    'B'    |
//            |   Num SSRC    | BR Exp (6)|   BR Mantissa (18 bits)       |
//            |   SSRC feedback, Num SSRC times                           |

namespace confab::wire {
namespace {

constexpr std::uint32_t kRembName = 0x52454D42;
constexpr unsigned kRembMantissaBits = 18;
constexpr std::uint16_t kNackMaskReach = 16;

struct Feedback {
    std::uint32_t sender_ssrc = 0;
    std::uint32_t media_ssrc = 0;
    BytesView fci;
};

Result<Feedback, ParseError> parse_feedback(const RtcpBlock& block, RtcpType type,
                                            std::uint8_t format) {
    if (block.type != type || block.count != format) return fail(ParseError::kType);
    ByteReader reader(block.body);
    Feedback feedback;
    feedback.sender_ssrc = reader.u32();
    feedback.media_ssrc = reader.u32();
    if (!reader.ok()) return fail(ParseError::kTruncated);
    feedback.fci = reader.rest();
    return feedback;
}

// Adds one sequence to the entry, if it reaches that far.
bool extend(NackEntry& entry, std::uint16_t sequence) {
    const auto distance = static_cast<std::uint16_t>(sequence - entry.packet_id);
    if (distance > kNackMaskReach) return false;
    if (distance > 0) entry.mask = static_cast<std::uint16_t>(entry.mask | 1U << (distance - 1));
    return true;
}

}  // namespace

Result<Nack, ParseError> parse_nack(const RtcpBlock& block) {
    CONFAB_TRY(const Feedback feedback,
               parse_feedback(block, RtcpType::kTransportFeedback, kFormatNack));
    if (feedback.fci.empty() || feedback.fci.size() % 4 != 0) return fail(ParseError::kLength);
    Nack nack;
    nack.sender_ssrc = feedback.sender_ssrc;
    nack.media_ssrc = feedback.media_ssrc;
    nack.fci = feedback.fci;
    return nack;
}

Result<Pli, ParseError> parse_pli(const RtcpBlock& block) {
    CONFAB_TRY(const Feedback feedback,
               parse_feedback(block, RtcpType::kPayloadFeedback, kFormatPli));
    return Pli{feedback.sender_ssrc, feedback.media_ssrc};
}

Result<Fir, ParseError> parse_fir(const RtcpBlock& block) {
    CONFAB_TRY(const Feedback feedback,
               parse_feedback(block, RtcpType::kPayloadFeedback, kFormatFir));
    if (feedback.fci.empty() || feedback.fci.size() % 8 != 0) return fail(ParseError::kLength);
    Fir fir;
    fir.sender_ssrc = feedback.sender_ssrc;
    fir.fci = feedback.fci;
    return fir;
}

Result<Remb, ParseError> parse_remb(const RtcpBlock& block) {
    CONFAB_TRY(const Feedback feedback,
               parse_feedback(block, RtcpType::kPayloadFeedback, kFormatAfb));
    ByteReader reader(feedback.fci);
    if (reader.u32() != kRembName) return fail(ParseError::kType);
    const std::uint8_t count = reader.u8();
    const std::uint32_t rate = reader.u24();
    Remb remb;
    remb.sender_ssrc = feedback.sender_ssrc;
    remb.ssrcs = reader.bytes(std::size_t{4} * count);
    if (!reader.ok()) return fail(ParseError::kTruncated);
    const unsigned exponent = rate >> kRembMantissaBits;
    const std::uint64_t mantissa = rate & ((1U << kRembMantissaBits) - 1);
    const bool fits = static_cast<unsigned>(std::bit_width(mantissa)) + exponent <= 64;
    remb.bits_per_second = fits ? mantissa << exponent : std::numeric_limits<std::uint64_t>::max();
    return remb;
}

std::size_t pack_nack(std::span<const std::uint16_t> sequences, std::span<NackEntry> out) {
    std::size_t count = 0;
    for (const std::uint16_t sequence : sequences) {
        if (count > 0 && extend(out[count - 1], sequence)) continue;
        if (count == out.size()) break;
        out[count++] = NackEntry{sequence, 0};
    }
    return count;
}

bool write_nack(ByteWriter& out, std::uint32_t sender_ssrc, std::uint32_t media_ssrc,
                std::span<const std::uint16_t> sequences) {
    if (sequences.empty()) return false;
    RtcpBlockWriter block(out, RtcpType::kTransportFeedback, kFormatNack);
    out.u32(sender_ssrc);
    out.u32(media_ssrc);
    NackEntry entry{sequences.front(), 0};
    for (const std::uint16_t sequence : sequences) {
        if (extend(entry, sequence)) continue;
        out.u16(entry.packet_id);
        out.u16(entry.mask);
        entry = NackEntry{sequence, 0};
    }
    out.u16(entry.packet_id);
    out.u16(entry.mask);
    return block.finish();
}

bool write_pli(ByteWriter& out, Pli pli) {
    RtcpBlockWriter block(out, RtcpType::kPayloadFeedback, kFormatPli);
    out.u32(pli.sender_ssrc);
    out.u32(pli.media_ssrc);
    return block.finish();
}

bool write_fir(ByteWriter& out, std::uint32_t sender_ssrc, std::span<const FirEntry> entries) {
    if (entries.empty()) return false;
    RtcpBlockWriter block(out, RtcpType::kPayloadFeedback, kFormatFir);
    out.u32(sender_ssrc);
    out.u32(0);  // RFC 5104 §4.3.1.2: the media source is in the FCI
    for (const FirEntry& entry : entries) {
        out.u32(entry.ssrc);
        out.u8(entry.sequence);
        out.zeros(3);
    }
    return block.finish();
}

bool write_remb(ByteWriter& out, std::uint32_t sender_ssrc, std::uint64_t bits_per_second,
                std::span<const std::uint32_t> ssrcs) {
    if (ssrcs.size() > kMaxRembSsrcs) return false;
    const auto width = static_cast<unsigned>(std::bit_width(bits_per_second));
    const unsigned exponent = width > kRembMantissaBits ? width - kRembMantissaBits : 0;
    RtcpBlockWriter block(out, RtcpType::kPayloadFeedback, kFormatAfb);
    out.u32(sender_ssrc);
    out.u32(0);
    out.u32(kRembName);
    out.u8(static_cast<std::uint8_t>(ssrcs.size()));
    out.u24(exponent << kRembMantissaBits |
            static_cast<std::uint32_t>(bits_per_second >> exponent));
    for (const std::uint32_t ssrc : ssrcs)
        out.u32(ssrc);
    return block.finish();
}

}  // namespace confab::wire
