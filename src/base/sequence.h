// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sequence numbers that wrap have no order of their own; only their unwrapped 64-bit form has
// (07 TYP-02). Wrap-around exists in this file and nowhere else.
#pragma once

#include <cstdint>
#include <limits>
#include <type_traits>

namespace confab {

// Signed distance b - a on the circle of T, in [-half, half).
template <typename T>
constexpr std::make_signed_t<T> sequence_distance(T a, T b) {
    return static_cast<std::make_signed_t<T>>(static_cast<T>(b - a));
}

// Maps wrapping numbers to a 64-bit line: the value nearest to the highest one seen.
// The first value v maps to kStart + v, so that numbers before it stay positive.
template <typename T>
class Unwrapper {
  public:
    static constexpr std::int64_t kStart = std::int64_t{std::numeric_limits<T>::max()} + 1;

    // The position of v; moves the reference forward when v is the newest.
    std::int64_t unwrap(T v) {
        const std::int64_t result = peek(v);
        if (!started_ || result > highest_) highest_ = result;
        started_ = true;
        return result;
    }
    // The same without moving the reference.
    std::int64_t peek(T v) const {
        if (!started_) return kStart + v;
        return highest_ + sequence_distance(static_cast<T>(highest_), v);
    }
    bool started() const { return started_; }
    std::int64_t highest() const { return highest_; }

    // For base/state/state.h: the position, 0 before the first value.
    void save(auto& out) const { out.field(1, started_ ? highest_ : std::int64_t{0}); }
    void load(auto& in) {
        in.field(1, highest_);
        started_ = highest_ != 0;
        in.require(highest_ >= 0 && highest_ <= std::int64_t{1} << 60);
    }

  private:
    std::int64_t highest_ = 0;
    bool started_ = false;
};

using SeqUnwrapper = Unwrapper<std::uint16_t>;      // RTP sequence number
using RtpTimeUnwrapper = Unwrapper<std::uint32_t>;  // RTP timestamp

}  // namespace confab
