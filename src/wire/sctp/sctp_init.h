// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// INIT and INIT-ACK with their parameters (RFC 9260 §3.3.2, §3.3.3; RFC 5061 §4.2.7 for the list
// of supported extensions; RFC 3758 §3.1 for Forward-TSN-Supported), and the parameter walk that
// RE-CONFIG shares.
//
//   |   Type = 1, 2 |  Chunk Flags  |         Chunk Length          |
//   |                         Initiate Tag                          |
//   |           Advertised Receiver Window Credit (a_rwnd)          |
//   |  Number of Outbound Streams   |   Number of Inbound Streams   |
//   |                          Initial TSN                          |
//   |            Parameters: type u16, length u16, value …          |
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/sctp/sctp_packet.h"

namespace confab::wire::sctp {

inline constexpr std::uint16_t kParamStateCookie = 7;
inline constexpr std::uint16_t kParamUnrecognized = 8;
inline constexpr std::uint16_t kParamZeroChecksum = 0x8001;
inline constexpr std::uint16_t kParamSupportedExtensions = 0x8008;
inline constexpr std::uint16_t kParamForwardTsnSupported = 0xC000;

struct ParameterView {
    std::uint16_t type = 0;
    BytesView value;  // without header and padding
    BytesView raw;    // with header, without padding
};

class ParameterReader {
  public:
    explicit ParameterReader(BytesView parameters) : rest_(parameters) {}
    std::optional<ParameterView> next();
    bool ok() const { return ok_; }

  private:
    BytesView rest_;
    bool ok_ = true;
};

// What a peer says it can do. I-DATA and zero checksum are recognised, never used (DC-06, SCTP-02).
struct Extensions {
    bool forward_tsn = false;
    bool re_config = false;
    bool interleaving = false;
    bool zero_checksum = false;
    bool operator==(const Extensions&) const = default;
};

inline constexpr std::size_t kMaxUnrecognized = 4;  // parameters reported back, the rest is dropped

struct InitView {
    std::uint32_t initiate_tag = 0;
    std::uint32_t a_rwnd = 0;
    std::uint16_t outbound_streams = 0;
    std::uint16_t inbound_streams = 0;
    std::uint32_t initial_tsn = 0;
    Extensions extensions;
    BytesView cookie;                                      // INIT-ACK only; empty when missing
    std::array<BytesView, kMaxUnrecognized> unrecognized;  // raw parameters to report
    std::size_t unrecognized_count = 0;
};
// For both INIT and INIT-ACK. kBadValue when a mandatory field is zero (RFC 9260 §3.3.2).
Result<InitView, ParseError> parse_init(const ChunkView& chunk);

// Writes chunk type kInit or kInitAck. `view.cookie` and `view.unrecognized` go out if present.
// FORWARD-TSN is announced in both ways, since peers differ in which they read (SCTP-01).
bool write_init(PacketWriter& packet, ChunkType type, const InitView& view);

}  // namespace confab::wire::sctp
