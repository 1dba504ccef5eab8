// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RTCP compounds (RFC 3550 §6.1, reduced-size RFC 5506): the walk over the packets of one datagram
// and the framing of written ones. Kinds: rtcp_reports.h (SR, RR, SDES, BYE), rtcp_feedback.h
// (NACK, PLI, FIR, REMB), rtcp_xr.h (RRTR, DLRR), transport_cc.h; rtcp.h includes all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/parse_error.h"

namespace confab::wire {

enum class RtcpType : std::uint8_t {
    kSenderReport = 200,
    kReceiverReport = 201,
    kSdes = 202,
    kBye = 203,
    kApp = 204,
    kTransportFeedback = 205,  // RTPFB: format 1 NACK, 15 transport-cc
    kPayloadFeedback = 206,    // PSFB: format 1 PLI, 4 FIR, 15 REMB
    kExtendedReport = 207,
};
inline constexpr std::uint8_t kFormatNack = 1;
inline constexpr std::uint8_t kFormatTransportCc = 15;
inline constexpr std::uint8_t kFormatPli = 1;
inline constexpr std::uint8_t kFormatFir = 4;
inline constexpr std::uint8_t kFormatAfb = 15;  // application layer: REMB

// One RTCP packet of a compound. The type may be one that RtcpType does not name.
struct RtcpBlock {
    RtcpType type{};
    std::uint8_t count = 0;  // RC, SC or FMT: the low 5 bits of the first byte
    BytesView body;          // behind the 4-byte header, without padding
};

// Yields the blocks of a datagram. A block with a wrong version, a length beyond the datagram or
// bad padding ends the walk with error(); blocks before it stay valid.
class RtcpReader {
  public:
    explicit RtcpReader(BytesView compound) : rest_(compound) {}
    std::optional<RtcpBlock> next();
    std::optional<ParseError> error() const { return error_; }
    std::size_t count() const { return count_; }  // blocks yielded so far

  private:
    std::optional<RtcpBlock> stop(ParseError error);

    BytesView rest_;
    std::optional<ParseError> error_;
    std::size_t count_ = 0;
};

// Starts a block and, on finish(), fills in its length; the body must be padded to 4 bytes by the
// one who writes it. Every write_…() of this family uses it and returns false, leaving unusable
// bytes behind, when the writer has no room.
class RtcpBlockWriter {
  public:
    // `count` goes into 5 bits; finish() fails when it is larger.
    RtcpBlockWriter(ByteWriter& out, RtcpType type, std::size_t count);
    bool finish();
    // Adds padding to the next 4 bytes, announced by bit P and its own count.
    bool finish_padded();

  private:
    ByteWriter& out_;
    std::size_t start_;
    bool valid_;
};

}  // namespace confab::wire
