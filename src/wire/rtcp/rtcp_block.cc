// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtcp/rtcp_block.h"

// RFC 3550 §6.4.1, the header that all kinds share; the length counts 32-bit words behind the
// first one:
//
//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |V=2|P|   RC    |      PT       |            length             |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+

namespace confab::wire {
namespace {

constexpr std::size_t kHeaderSize = 4;
constexpr std::uint8_t kVersionBits = 0x80;
constexpr std::uint8_t kPaddingBit = 0x20;
constexpr std::size_t kMaxCount = 31;

}  // namespace

std::optional<RtcpBlock> RtcpReader::next() {
    if (error_ || rest_.empty()) return std::nullopt;
    if (rest_.size() < kHeaderSize) return stop(ParseError::kTruncated);
    const std::uint8_t first = rest_[0];
    if ((first & 0xC0) != kVersionBits) return stop(ParseError::kVersion);
    const std::size_t size = kHeaderSize + std::size_t{4} * load_be16(&rest_[2]);
    if (size > rest_.size()) return stop(ParseError::kLength);
    RtcpBlock block;
    block.type = static_cast<RtcpType>(rest_[1]);
    block.count = first & 0x1F;
    block.body = rest_.subspan(kHeaderSize, size - kHeaderSize);
    // RFC 3550 allows padding on the last block only; transport-cc senders pad in the middle too.
    if ((first & kPaddingBit) != 0) {
        const std::uint8_t padding = block.body.empty() ? std::uint8_t{0} : block.body.back();
        if (padding == 0 || padding > block.body.size()) return stop(ParseError::kPadding);
        block.body = block.body.first(block.body.size() - padding);
    }
    rest_ = rest_.subspan(size);
    ++count_;
    return block;
}

std::optional<RtcpBlock> RtcpReader::stop(ParseError error) {
    error_ = error;
    return std::nullopt;
}

RtcpBlockWriter::RtcpBlockWriter(ByteWriter& out, RtcpType type, std::size_t count)
    : out_(out), start_(out.size()), valid_(count <= kMaxCount) {
    out_.u8(static_cast<std::uint8_t>(kVersionBits | (count & kMaxCount)));
    out_.u8(static_cast<std::uint8_t>(type));
    out_.u16(0);
}

bool RtcpBlockWriter::finish() {
    const std::size_t size = out_.size() - start_;
    if (!out_.ok() || !valid_ || size % 4 != 0 || size / 4 - 1 > 0xFFFF) return false;
    store_be16(&out_.buffer()[start_ + 2], static_cast<std::uint16_t>(size / 4 - 1));
    return true;
}

bool RtcpBlockWriter::finish_padded() {
    const std::size_t excess = (out_.size() - start_) % 4;
    if (excess != 0) {
        const std::size_t padding = 4 - excess;
        out_.zeros(padding - 1);
        out_.u8(static_cast<std::uint8_t>(padding));
        if (!out_.ok()) return false;
        std::uint8_t& first = out_.buffer()[start_];
        first = static_cast<std::uint8_t>(first | kPaddingBit);
    }
    return finish();
}

}  // namespace confab::wire
