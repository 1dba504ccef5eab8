// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Opus that came without redundancy, as RFC 2198 packets for subscribers that take these (02
// IN-32): with a frame go those of the two packets before it. One payload serves all subscribers of
// a worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "wire/rtp/red.h"

namespace confab::sfu {

// What the blocks are labelled with: clients take RED for 111/111 and nothing else.
inline constexpr std::uint8_t kRedOpusType = 111;
// Of a whole payload: with headers and tag its datagram is not cut on its way (NET-01).
inline constexpr std::size_t kMaxRedSize = 1'150;

struct OpusFrame {
    BytesView payload;  // empty: there is none
    std::int64_t timestamp = 0;
};

// What goes with a frame: as many of those before it as fit, the nearest first.
class RedUpConversion {
  public:
    // `before`: of the last packet and the one before that, in this order.
    RedUpConversion(const OpusFrame& frame, const std::array<OpusFrame, 2>& before);
    std::size_t size() const { return size_; }
    // False if `out` is smaller than size().
    bool write(BytesSpan out) const;

  private:
    BytesView primary_;
    std::array<wire::RedBlock, wire::kMaxRedRedundant> blocks_{};  // oldest first, at the end
    std::size_t count_ = 0;
    std::size_t size_ = 0;
};

}  // namespace confab::sfu
