// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Redundant audio data (RFC 2198 §3): taking blocks apart and building them with at most two
// redundant ones (02 IN-32, IN-34).
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/parse_error.h"

namespace confab::wire {

inline constexpr std::size_t kMaxRedBlocks = 8;     // accepted, the primary included
inline constexpr std::size_t kMaxRedRedundant = 2;  // written
inline constexpr std::uint32_t kMaxRedOffset = (1U << 14) - 1;
inline constexpr std::size_t kMaxRedBlockSize = (1U << 10) - 1;

struct RedBlock {
    std::uint8_t payload_type = 0;
    std::uint16_t timestamp_offset = 0;  // before the packet's timestamp; 0 for the primary
    BytesView data;                      // may be empty
};

struct RedPayload {
    std::array<RedBlock, kMaxRedBlocks> blocks{};
    std::uint8_t count = 0;  // ≥ 1; oldest first, the last one is the primary

    const RedBlock& primary() const { return blocks[count - 1U]; }
    std::span<const RedBlock> redundant() const {
        return std::span(blocks).first(count - std::size_t{1});
    }
};

// Errors: kTruncated, kLength (blocks beyond the payload), kLimit (more than kMaxRedBlocks).
Result<RedPayload, ParseError> parse_red(BytesView payload);

// Oldest redundant block first. False when a block does not fit its fields, there are more than
// kMaxRedRedundant, or no room; then nothing usable was written.
bool write_red(ByteWriter& out, std::span<const RedBlock> redundant, std::uint8_t primary_type,
               BytesView primary);

}  // namespace confab::wire
