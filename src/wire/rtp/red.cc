// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtp/red.h"

// RFC 2198 §3: a header of four bytes for each redundant block and one byte for the primary, then
// the data of all blocks in the same order.
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1     0 1 2 3 4 5 6 7
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+   +-+-+-+-+-+-+-+-+
// |F|   block PT  |  timestamp offset         |   block length    |   |0|   Block PT  |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+   +-+-+-+-+-+-+-+-+

namespace confab::wire {
namespace {

constexpr std::uint8_t kFollowBit = 0x80;

}  // namespace

Result<RedPayload, ParseError> parse_red(BytesView payload) {
    ByteReader reader(payload);
    RedPayload red;
    std::array<std::uint16_t, kMaxRedBlocks> sizes{};
    for (;;) {
        const std::uint8_t head = reader.u8();
        if (!reader.ok()) return fail(ParseError::kTruncated);
        if (red.count == kMaxRedBlocks) return fail(ParseError::kLimit);
        RedBlock& block = red.blocks[red.count];
        block.payload_type = head & 0x7F;
        const bool redundant = (head & kFollowBit) != 0;
        if (redundant) {
            const std::uint32_t bits = reader.u24();
            block.timestamp_offset = static_cast<std::uint16_t>(bits >> 10);
            sizes[red.count] = bits & kMaxRedBlockSize;
        }
        ++red.count;
        if (!redundant) break;
    }
    for (std::size_t i = 0; i + 1 < red.count; ++i)
        red.blocks[i].data = reader.bytes(sizes[i]);
    if (!reader.ok()) return fail(ParseError::kLength);
    red.blocks[red.count - 1U].data = reader.rest();
    return red;
}

bool write_red(ByteWriter& out, std::span<const RedBlock> redundant, std::uint8_t primary_type,
               BytesView primary) {
    if (redundant.size() > kMaxRedRedundant) return false;
    for (const RedBlock& block : redundant)
        if (block.timestamp_offset > kMaxRedOffset || block.data.size() > kMaxRedBlockSize)
            return false;
    for (const RedBlock& block : redundant) {
        out.u8(static_cast<std::uint8_t>(kFollowBit | block.payload_type));
        out.u24(std::uint32_t{block.timestamp_offset} << 10 |
                static_cast<std::uint32_t>(block.data.size()));
    }
    out.u8(primary_type & 0x7F);
    for (const RedBlock& block : redundant)
        out.bytes(block.data);
    out.bytes(primary);
    return out.ok();
}

}  // namespace confab::wire
