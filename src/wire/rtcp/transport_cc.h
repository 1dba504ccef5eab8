// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01
// §3.1): reading for the sender-side estimator, building for publishers (02 §3.1, IN-07).
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "wire/rtcp/rtcp_block.h"

namespace confab::wire {

// Deltas are multiples of 250 µs, reference times of 64 ms.
inline constexpr std::int64_t kTransportCcTickUs = 250;
inline constexpr std::int64_t kTransportCcReferenceUs = 64'000;
// Statuses per built packet; a receiver with more sends several.
inline constexpr std::size_t kMaxTransportStatuses = 1024;

struct TransportStatus {
    std::uint16_t sequence = 0;
    bool received = false;
    // Arrival relative to time 0 of the reference clock of the feedback; meaningful if received.
    Duration arrival;
};

struct TransportFeedback {
    std::uint32_t sender_ssrc = 0;
    std::uint32_t media_ssrc = 0;
    std::uint16_t base_sequence = 0;
    std::uint16_t status_count = 0;
    std::int32_t reference_time = 0;  // signed 24 bits, 64 ms
    std::uint8_t feedback_count = 0;
    BytesView chunks;  // packet status chunks
    BytesView deltas;  // receive deltas, possibly with padding behind
};

// Checks chunks and deltas completely, so that the cursor below cannot run short.
Result<TransportFeedback, ParseError> parse_transport_feedback(const RtcpBlock& block);

// Walks the statuses of a parsed feedback in sequence order.
class TransportStatusCursor {
  public:
    explicit TransportStatusCursor(const TransportFeedback& feedback);
    std::optional<TransportStatus> next();

  private:
    std::uint8_t next_symbol();

    BytesView chunks_;
    BytesView deltas_;
    std::uint16_t chunk_ = 0;
    std::uint16_t left_in_chunk_ = 0;
    std::uint16_t sequence_ = 0;
    std::uint32_t left_ = 0;
    std::int64_t time_us_ = 0;
};

struct TransportArrival {
    std::int64_t sequence = 0;         // unwrapped transport-wide sequence number
    std::optional<Timestamp> arrival;  // nullopt: not received
};

// Writes one feedback from `arrivals` (ascending sequence; numbers left out count as not received,
// from `first` on where that is given: at most half of kMaxTransportStatuses before the first).
// Returns how many elements of `arrivals` the packet covers: fewer than all when a delta does not
// fit 16 bits, kMaxTransportStatuses is reached or the writer is nearly full; the caller goes on
// with the rest and the next feedback_count. 0: nothing was written (no element was received, or
// there is no room).
std::size_t write_transport_feedback(ByteWriter& out, std::uint32_t sender_ssrc,
                                     std::uint32_t media_ssrc, std::uint8_t feedback_count,
                                     std::span<const TransportArrival> arrivals,
                                     std::optional<std::int64_t> first = std::nullopt);

}  // namespace confab::wire
