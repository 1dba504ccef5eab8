// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Length levelling (02 DES-12): encoders cut a frame into packets whose lengths differ by an octet,
// the shorter ones first. With that octet as RTP padding (RFC 3550 §5.1) all of them leave in one
// segmented send instead of two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace confab::sfu {

struct LevelledPacket {
    std::uint32_t size = 0;    // of the datagram
    bool fixed = false;        // takes no padding
    std::uint8_t padding = 0;  // the answer
};

struct LevelLimits {
    std::uint32_t padding;  // octets of a packet
    std::uint32_t share;    // of a run: one part in so many
};
inline constexpr LevelLimits kPictureLevels{8, 100};
// Opus' lengths differ by a factor of three, and nobody's sound fills a link.
inline constexpr LevelLimits kSoundLevels{128, 3};

// Packets to one destination in the order in which they leave. One that ends a run may be shorter
// and stays as it is.
void level_lengths(std::span<LevelledPacket> packets, const LevelLimits& limits);

}  // namespace confab::sfu
