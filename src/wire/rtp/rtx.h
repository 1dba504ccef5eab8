// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Retransmission payload format (RFC 4588 §4): the original sequence number before the payload.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/parse_error.h"

namespace confab::wire {

//  0                   1
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |              OSN              |  original RTP payload follows
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
inline constexpr std::size_t kRtxOsnSize = 2;

struct RtxPayload {
    std::uint16_t original_sequence = 0;
    BytesView payload;  // of the original packet; empty for probes made of OSN alone
};

// `payload` of the RTX packet without padding. kTruncated when it has no OSN, as padding-only
// packets have none.
inline Result<RtxPayload, ParseError> parse_rtx(BytesView payload) {
    if (payload.size() < kRtxOsnSize) return fail(ParseError::kTruncated);
    return RtxPayload{load_be16(payload.data()), payload.subspan(kRtxOsnSize)};
}

inline void write_rtx(ByteWriter& out, std::uint16_t original_sequence, BytesView payload) {
    out.u16(original_sequence);
    out.bytes(payload);
}

}  // namespace confab::wire
