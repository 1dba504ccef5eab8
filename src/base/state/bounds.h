// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Fields of exported state with what they are held to when they are read, for writer and reader
// alike (base/state/state.h).
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "base/state/state.h"

namespace confab {

// Positions on 64-bit lines of numbers and times: sums of some can not overflow.
inline constexpr std::int64_t kMaxLine = std::int64_t{1} << 60;
// From which the ticks of a clock are counted: about a year ago at most.
inline constexpr Duration kMaxSpan = Duration::micros(std::int64_t{1} << 45);

template <typename Io, typename T>
void bounded_field(Io& io, std::uint8_t tag, T& value,
                   const std::type_identity_t<std::remove_const_t<T>>& least,
                   const std::type_identity_t<std::remove_const_t<T>>& most) {
    io.field(tag, value);
    if constexpr (Io::kReads) io.require(value >= least && value <= most);
}
template <typename Io, typename T>
void line_field(Io& io, std::uint8_t tag, T& value) {
    bounded_field(io, tag, value, -kMaxLine, kMaxLine);
}
// A point of time from which something is measured.
template <typename Io, typename T>
void since_field(Io& io, std::uint8_t tag, T& value) {
    io.field(tag, value);
    if constexpr (Io::kReads) {
        const Duration since = io.now() - value;
        io.require(!value.is_never() && since <= kMaxSpan && since >= -kMaxSpan);
    }
}
// A finite number; not what its bits say otherwise.
template <typename Io, typename T>
void real_field(Io& io, std::uint8_t tag, T& value) {
    using Real = std::remove_const_t<T>;
    using Bits = std::conditional_t<sizeof(Real) == 4, std::uint32_t, std::uint64_t>;
    Bits bits = std::bit_cast<Bits>(value);
    io.field(tag, bits);
    if constexpr (Io::kReads) {
        const Real read = std::bit_cast<Real>(bits);
        io.require(std::isfinite(read));
        if (io.ok()) value = read;
    }
}

}  // namespace confab
