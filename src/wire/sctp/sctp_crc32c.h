// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// CRC32c (Castagnoli) as SCTP uses it (RFC 9260 Appendix A): reflected polynomial 0x82F63B78.
// Uses the SSE4.2 instruction where the processor has it, else eight tables (slice by 8).
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace confab::wire::sctp {

// A running checksum over parts: crc32c_extend(crc32c(a), b) == crc32c(a followed by b).
std::uint32_t crc32c_extend(std::uint32_t crc, BytesView bytes);

inline std::uint32_t crc32c(BytesView bytes) {
    return crc32c_extend(0, bytes);
}

// The table version alone, for processors without the instruction and for the comparing test.
std::uint32_t crc32c_portable(std::uint32_t crc, BytesView bytes);

}  // namespace confab::wire::sctp
