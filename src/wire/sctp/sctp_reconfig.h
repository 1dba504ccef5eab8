// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RE-CONFIG: one or two parameters that reset streams or answer such a request (RFC 6525 §3, §4).
//
//   Outgoing SSN Reset Request, type 13          Incoming SSN Reset Request, type 14
//   | Re-configuration Request Sequence Number | | Request Sequence Number |
//   | Re-configuration Response Sequence Number| | Stream Number 1..N (u16)|
//   | Sender's Last Assigned TSN               |
//   | Stream Number 1 (u16) | … N              | Re-configuration Response, type 16
//                                                | Response Sequence Number | Result u32 |
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/sctp/sctp_packet.h"

namespace confab::wire::sctp {

inline constexpr std::uint16_t kParamOutgoingReset = 13;
inline constexpr std::uint16_t kParamIncomingReset = 14;
inline constexpr std::uint16_t kParamReConfigResponse = 16;

// RFC 6525 §4.4.
enum class ResetResult : std::uint32_t {
    kNothingToDo = 0,
    kPerformed = 1,
    kDenied = 2,
    kWrongSsn = 3,
    kAlreadyInProgress = 4,
    kBadSequenceNumber = 5,
    kInProgress = 6,
};

struct ResetRequestView {
    std::uint16_t type =
        kParamOutgoingReset;  // or kParamIncomingReset, or one we deny (15, 17, 18)
    std::uint32_t request_sequence = 0;
    std::uint32_t response_sequence = 0;  // outgoing only
    std::uint32_t last_tsn = 0;           // outgoing only
    BytesView streams;                    // 2 bytes each; empty means all

    std::size_t stream_count() const { return streams.size() / 2; }
    std::uint16_t stream(std::size_t i) const { return load_be16(&streams[i * 2]); }
};

struct ResetResponse {
    std::uint32_t response_sequence = 0;
    ResetResult result = ResetResult::kPerformed;
};

// RFC 6525 §3.1: at most two parameters, at most one of them a response in what we accept.
struct ReConfigView {
    std::optional<ResetRequestView> requests[2];
    std::optional<ResetResponse> response;
};
Result<ReConfigView, ParseError> parse_re_config(const ChunkView& chunk);

bool write_outgoing_reset(PacketWriter& packet, std::uint32_t request_sequence,
                          std::uint32_t response_sequence, std::uint32_t last_tsn,
                          std::span<const std::uint16_t> streams);
bool write_incoming_reset(PacketWriter& packet, std::uint32_t request_sequence,
                          std::span<const std::uint16_t> streams);
bool write_reset_response(PacketWriter& packet, const ResetResponse& response);

}  // namespace confab::wire::sctp
