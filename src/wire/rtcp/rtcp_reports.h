// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RTCP sender and receiver reports, source descriptions and BYE (RFC 3550 §6.4–6.6). SDES item 15
// carries the MID (RFC 9143 §15, 02 IN-11).
#pragma once

#include <span>
#include <string_view>

#include "base/time.h"
#include "wire/rtcp/rtcp_block.h"

namespace confab::wire {

inline constexpr std::size_t kMaxReportBlocks = 31;
inline constexpr std::uint8_t kSdesCname = 1;
inline constexpr std::uint8_t kSdesMid = 15;

struct ReportBlock {
    std::uint32_t ssrc = 0;
    std::uint8_t fraction_lost = 0;         // of 256
    std::int32_t cumulative_lost = 0;       // signed 24 bits; written clamped
    std::uint32_t highest_sequence = 0;     // with cycles in the upper half
    std::uint32_t jitter = 0;               // clock units
    std::uint32_t last_sr = 0;              // compact NTP, 0 for none
    std::uint32_t delay_since_last_sr = 0;  // 1/65536 s
    bool operator==(const ReportBlock&) const = default;
};

// The report blocks of an SR or RR, decoded on access.
class ReportBlocks {
  public:
    ReportBlocks() = default;
    explicit ReportBlocks(BytesView bytes) : bytes_(bytes) {}
    std::size_t size() const { return bytes_.size() / kSize; }
    ReportBlock operator[](std::size_t index) const;  // index < size()
    static constexpr std::size_t kSize = 24;

  private:
    BytesView bytes_;
};

struct SenderReport {
    std::uint32_t ssrc = 0;
    NtpTime ntp;
    std::uint32_t rtp_time = 0;
    std::uint32_t packet_count = 0;
    std::uint32_t octet_count = 0;
    ReportBlocks blocks;  // parse only; written ones are passed apart
};
struct ReceiverReport {
    std::uint32_t ssrc = 0;
    ReportBlocks blocks;
};

Result<SenderReport, ParseError> parse_sender_report(const RtcpBlock& block);
Result<ReceiverReport, ParseError> parse_receiver_report(const RtcpBlock& block);
// At most kMaxReportBlocks; false when there are more.
bool write_sender_report(ByteWriter& out, const SenderReport& report,
                         std::span<const ReportBlock> blocks = {});
bool write_receiver_report(ByteWriter& out, std::uint32_t ssrc,
                           std::span<const ReportBlock> blocks);

struct SdesItem {
    std::uint32_t ssrc = 0;
    std::uint8_t type = 0;
    std::string_view text;
};
// Yields the items of all chunks; error() tells whether it stopped early.
class SdesReader {
  public:
    explicit SdesReader(const RtcpBlock& block);
    std::optional<SdesItem> next();
    bool error() const { return error_; }

  private:
    bool open_chunk();

    BytesView body_;
    std::size_t position_ = 0;
    std::uint8_t chunks_left_ = 0;
    std::uint32_t ssrc_ = 0;
    bool in_chunk_ = false;
    bool error_ = false;
};
// One chunk: CNAME and, unless empty, MID. Texts are cut at 255 bytes.
struct SdesChunk {
    std::uint32_t ssrc = 0;
    std::string_view cname;
    std::string_view mid;
};
// At most 31, which the count of a block can say; false when there are more.
bool write_sdes(ByteWriter& out, std::span<const SdesChunk> chunks);

struct Bye {
    BytesView ssrcs;  // 4 bytes each
    std::string_view reason;
    std::size_t size() const { return ssrcs.size() / 4; }
    std::uint32_t ssrc(std::size_t index) const { return load_be32(ssrcs.data() + 4 * index); }
};
Result<Bye, ParseError> parse_bye(const RtcpBlock& block);
bool write_bye(ByteWriter& out, std::span<const std::uint32_t> ssrcs, std::string_view reason = {});

}  // namespace confab::wire
