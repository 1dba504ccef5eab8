// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtcp/rtcp_reports.h"

#include <algorithm>

// RFC 3550 §6.4.1, behind the common header of an SR (an RR has SSRC and report blocks only):
//
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                         SSRC of sender                        |
// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
// |              NTP timestamp, most significant word             |
// |             NTP timestamp, least significant word             |
// |                         RTP timestamp                         |
// |                     sender's packet count                     |
// |                      sender's octet count                     |
// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
// |                 SSRC_1 (SSRC of first source)                 |  report block, RC times
// | fraction lost |       cumulative number of packets lost       |
// |           extended highest sequence number received           |
// |                      interarrival jitter                      |
// |                         last SR (LSR)                         |
// |                   delay since last SR (DLSR)                  |
// +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+

namespace confab::wire {
namespace {

constexpr std::int32_t kMaxCumulativeLost = 0x7FFFFF;
constexpr std::int32_t kMinCumulativeLost = -0x800000;
constexpr std::size_t kMaxTextSize = 255;

// A two's complement number of 24 bits.
std::int32_t sign_extend_24(std::uint32_t value) {
    const auto positive = static_cast<std::int32_t>(value & 0xFFFFFF);
    return positive > kMaxCumulativeLost ? positive - 0x1000000 : positive;
}

void write_block(ByteWriter& out, const ReportBlock& block) {
    out.u32(block.ssrc);
    out.u8(block.fraction_lost);
    const std::int32_t lost =
        std::clamp(block.cumulative_lost, kMinCumulativeLost, kMaxCumulativeLost);
    out.u24(static_cast<std::uint32_t>(lost) & 0xFFFFFF);
    out.u32(block.highest_sequence);
    out.u32(block.jitter);
    out.u32(block.last_sr);
    out.u32(block.delay_since_last_sr);
}

void write_item(ByteWriter& out, std::uint8_t type, std::string_view text) {
    const std::string_view cut = text.substr(0, kMaxTextSize);
    out.u8(type);
    out.u8(static_cast<std::uint8_t>(cut.size()));
    out.bytes(as_bytes(cut));
}

}  // namespace

ReportBlock ReportBlocks::operator[](std::size_t index) const {
    ByteReader reader(bytes_.subspan(index * kSize, kSize));
    ReportBlock block;
    block.ssrc = reader.u32();
    block.fraction_lost = reader.u8();
    block.cumulative_lost = sign_extend_24(reader.u24());
    block.highest_sequence = reader.u32();
    block.jitter = reader.u32();
    block.last_sr = reader.u32();
    block.delay_since_last_sr = reader.u32();
    return block;
}

Result<SenderReport, ParseError> parse_sender_report(const RtcpBlock& block) {
    if (block.type != RtcpType::kSenderReport) return fail(ParseError::kType);
    ByteReader reader(block.body);
    SenderReport report;
    report.ssrc = reader.u32();
    report.ntp = NtpTime(reader.u64());
    report.rtp_time = reader.u32();
    report.packet_count = reader.u32();
    report.octet_count = reader.u32();
    report.blocks = ReportBlocks(reader.bytes(ReportBlocks::kSize * block.count));
    if (!reader.ok()) return fail(ParseError::kTruncated);
    return report;
}

Result<ReceiverReport, ParseError> parse_receiver_report(const RtcpBlock& block) {
    if (block.type != RtcpType::kReceiverReport) return fail(ParseError::kType);
    ByteReader reader(block.body);
    ReceiverReport report;
    report.ssrc = reader.u32();
    report.blocks = ReportBlocks(reader.bytes(ReportBlocks::kSize * block.count));
    if (!reader.ok()) return fail(ParseError::kTruncated);
    return report;
}

bool write_sender_report(ByteWriter& out, const SenderReport& report,
                         std::span<const ReportBlock> blocks) {
    RtcpBlockWriter block(out, RtcpType::kSenderReport, blocks.size());
    out.u32(report.ssrc);
    out.u64(report.ntp.value());
    out.u32(report.rtp_time);
    out.u32(report.packet_count);
    out.u32(report.octet_count);
    for (const ReportBlock& b : blocks)
        write_block(out, b);
    return block.finish();
}

bool write_receiver_report(ByteWriter& out, std::uint32_t ssrc,
                           std::span<const ReportBlock> blocks) {
    RtcpBlockWriter block(out, RtcpType::kReceiverReport, blocks.size());
    out.u32(ssrc);
    for (const ReportBlock& b : blocks)
        write_block(out, b);
    return block.finish();
}

// RFC 3550 §6.5: chunks of an SSRC and items; an item of type 0 and zeros up to the next word end
// the chunk.
//
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |     type      |     length    | text                        ...
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
SdesReader::SdesReader(const RtcpBlock& block) {
    if (block.type != RtcpType::kSdes) {
        error_ = true;
        return;
    }
    body_ = block.body;
    chunks_left_ = block.count;
}

bool SdesReader::open_chunk() {
    if (chunks_left_ == 0) return false;
    if (body_.size() - position_ < 4) {
        error_ = true;
        return false;
    }
    ssrc_ = load_be32(&body_[position_]);
    position_ += 4;
    --chunks_left_;
    in_chunk_ = true;
    return true;
}

std::optional<SdesItem> SdesReader::next() {
    while (!error_) {
        if (!in_chunk_ && !open_chunk()) return std::nullopt;
        ByteReader reader(body_.subspan(position_));
        const std::uint8_t type = reader.u8();
        if (reader.ok() && type == 0) {
            // The body begins at a word, so its own offsets give the alignment.
            position_ = std::min((position_ + 4) & ~std::size_t{3}, body_.size());
            in_chunk_ = false;
            continue;
        }
        const std::uint8_t size = reader.u8();
        const BytesView text = reader.bytes(size);
        if (!reader.ok()) {
            error_ = true;
            break;
        }
        position_ += reader.position();
        return SdesItem{ssrc_, type, as_text(text)};
    }
    return std::nullopt;
}

bool write_sdes(ByteWriter& out, std::span<const SdesChunk> chunks) {
    RtcpBlockWriter block(out, RtcpType::kSdes, chunks.size());
    for (const SdesChunk& chunk : chunks) {
        const std::size_t start = out.size();
        out.u32(chunk.ssrc);
        write_item(out, kSdesCname, chunk.cname);
        if (!chunk.mid.empty()) write_item(out, kSdesMid, chunk.mid);
        out.zeros(4 - (out.size() - start) % 4);
    }
    return block.finish();
}

// RFC 3550 §6.6: SC SSRCs, then optionally a length byte and the reason, padded to a word.
Result<Bye, ParseError> parse_bye(const RtcpBlock& block) {
    if (block.type != RtcpType::kBye) return fail(ParseError::kType);
    ByteReader reader(block.body);
    Bye bye;
    bye.ssrcs = reader.bytes(std::size_t{4} * block.count);
    if (!reader.at_end()) {
        const std::uint8_t size = reader.u8();
        bye.reason = as_text(reader.bytes(size));
    }
    if (!reader.ok()) return fail(ParseError::kTruncated);
    return bye;
}

bool write_bye(ByteWriter& out, std::span<const std::uint32_t> ssrcs, std::string_view reason) {
    RtcpBlockWriter block(out, RtcpType::kBye, ssrcs.size());
    for (const std::uint32_t ssrc : ssrcs)
        out.u32(ssrc);
    if (!reason.empty()) {
        const std::string_view cut = reason.substr(0, kMaxTextSize);
        out.u8(static_cast<std::uint8_t>(cut.size()));
        out.bytes(as_bytes(cut));
        out.zeros((4 - (cut.size() + 1) % 4) % 4);
    }
    return block.finish();
}

}  // namespace confab::wire
