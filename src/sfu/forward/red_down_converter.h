// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 2198 packets for subscribers that take plain opus (02 IN-32, IN-34): the primary block goes
// out under the packet's own number; blocks of earlier packets that never came fill their holes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace confab::sfu {

// One opus frame inside a RED payload.
struct RedSlice {
    std::int64_t sequence = 0;
    std::int64_t timestamp = 0;
    std::uint16_t offset = 0;  // into the RED payload
    std::uint16_t size = 0;
};

// The frames of at most the two packets before, and this one last. None for a broken payload.
struct RedSlices {
    static constexpr std::size_t kMax = 3;
    std::array<RedSlice, kMax> slices{};
    std::size_t count = 0;
};
RedSlices split_red(BytesView payload, std::int64_t sequence, std::int64_t timestamp);

}  // namespace confab::sfu
