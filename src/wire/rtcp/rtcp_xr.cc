// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtcp/rtcp_xr.h"

// RFC 3611 §3: the SSRC of the packet's sender, then report blocks of this form (the length counts
// words behind the first):
//
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |      BT       | type-specific |         block length          |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// RRTR (BT 4):  NTP timestamp, 64 bits
// DLRR (BT 5):  SSRC, last RR (LRR), delay since last RR (DLRR), 32 bits each, any number of times

namespace confab::wire {
namespace {

constexpr std::size_t kHeaderSize = 4;
constexpr std::size_t kDlrrEntrySize = 12;

}  // namespace

XrReader::XrReader(const RtcpBlock& block) {
    if (block.type != RtcpType::kExtendedReport || block.body.size() < 4) {
        error_ = true;
        return;
    }
    sender_ssrc_ = load_be32(block.body.data());
    rest_ = block.body.subspan(4);
}

std::optional<XrReport> XrReader::next() {
    if (error_ || rest_.empty()) return std::nullopt;
    ByteReader reader(rest_);
    XrReport report;
    report.type = reader.u8();
    report.specific = reader.u8();
    report.body = reader.bytes(std::size_t{4} * reader.u16());
    if (!reader.ok()) {
        error_ = true;
        return std::nullopt;
    }
    rest_ = rest_.subspan(kHeaderSize + report.body.size());
    return report;
}

std::optional<NtpTime> read_rrtr(const XrReport& report) {
    if (report.type != kXrRrtr || report.body.size() != 8) return std::nullopt;
    return NtpTime(load_be64(report.body.data()));
}

std::size_t dlrr_entries(const XrReport& report) {
    return report.type == kXrDlrr ? report.body.size() / kDlrrEntrySize : 0;
}

DlrrEntry dlrr_entry(const XrReport& report, std::size_t index) {
    ByteReader reader(report.body.subspan(index * kDlrrEntrySize, kDlrrEntrySize));
    DlrrEntry entry;
    entry.ssrc = reader.u32();
    entry.last_rr = reader.u32();
    entry.delay_since_last_rr = reader.u32();
    return entry;
}

bool write_rrtr(ByteWriter& out, std::uint32_t sender_ssrc, NtpTime ntp) {
    RtcpBlockWriter block(out, RtcpType::kExtendedReport, 0);
    out.u32(sender_ssrc);
    out.u8(kXrRrtr);
    out.u8(0);
    out.u16(2);
    out.u64(ntp.value());
    return block.finish();
}

bool write_dlrr(ByteWriter& out, std::uint32_t sender_ssrc, std::span<const DlrrEntry> entries) {
    RtcpBlockWriter block(out, RtcpType::kExtendedReport, 0);
    out.u32(sender_ssrc);
    out.u8(kXrDlrr);
    out.u8(0);
    // Too many for the 16-bit length are too many for the packet's own, which finish() checks.
    out.u16(static_cast<std::uint16_t>(entries.size() * 3));
    for (const DlrrEntry& entry : entries) {
        out.u32(entry.ssrc);
        out.u32(entry.last_rr);
        out.u32(entry.delay_since_last_rr);
    }
    return block.finish();
}

}  // namespace confab::wire
