// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RTCP extended reports (RFC 3611): receiver reference time (§4.4) and DLRR (§4.5), by which the
// receiver of media measures its round-trip time (02 IN-07, FWD-13).
#pragma once

#include <span>

#include "base/time.h"
#include "wire/rtcp/rtcp_block.h"

namespace confab::wire {

inline constexpr std::uint8_t kXrRrtr = 4;
inline constexpr std::uint8_t kXrDlrr = 5;

struct XrReport {
    std::uint8_t type = 0;
    std::uint8_t specific = 0;
    BytesView body;  // behind the 4-byte block header
};
// The report blocks of one XR packet.
class XrReader {
  public:
    explicit XrReader(const RtcpBlock& block);
    std::uint32_t sender_ssrc() const { return sender_ssrc_; }
    std::optional<XrReport> next();
    bool error() const { return error_; }

  private:
    BytesView rest_;
    std::uint32_t sender_ssrc_ = 0;
    bool error_ = false;
};

struct DlrrEntry {
    std::uint32_t ssrc = 0;
    std::uint32_t last_rr = 0;              // compact NTP of the RRTR, 0 for none
    std::uint32_t delay_since_last_rr = 0;  // 1/65536 s
};

std::optional<NtpTime> read_rrtr(const XrReport& report);  // nullopt: not an RRTR or wrong size
// Entries of a DLRR, 0 when it is something else.
std::size_t dlrr_entries(const XrReport& report);
DlrrEntry dlrr_entry(const XrReport& report, std::size_t index);  // index < dlrr_entries()

bool write_rrtr(ByteWriter& out, std::uint32_t sender_ssrc, NtpTime ntp);
bool write_dlrr(ByteWriter& out, std::uint32_t sender_ssrc, std::span<const DlrrEntry> entries);

}  // namespace confab::wire
