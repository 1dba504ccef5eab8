// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 2198 §3, 02 IN-32.
#include "sfu/tracks/red_up_converter.h"

namespace confab::sfu {
namespace {

constexpr std::size_t kPrimaryHeader = 1;
constexpr std::size_t kBlockHeader = 4;

}  // namespace

RedUpConversion::RedUpConversion(const OpusFrame& frame, const std::array<OpusFrame, 2>& before)
    : primary_(frame.payload), size_(kPrimaryHeader + frame.payload.size()) {
    for (const OpusFrame& earlier : before) {
        const std::int64_t offset = frame.timestamp - earlier.timestamp;
        const std::size_t more = kBlockHeader + earlier.payload.size();
        if (earlier.payload.empty() || earlier.payload.size() > wire::kMaxRedBlockSize) continue;
        if (offset <= 0 || offset > wire::kMaxRedOffset || size_ + more > kMaxRedSize) continue;
        ++count_;
        size_ += more;
        blocks_[blocks_.size() - count_] = {kRedOpusType, static_cast<std::uint16_t>(offset),
                                            earlier.payload};
    }
}

bool RedUpConversion::write(BytesSpan out) const {
    ByteWriter writer(out);
    return wire::write_red(writer, std::span(blocks_).last(count_), kRedOpusType, primary_);
}

}  // namespace confab::sfu
