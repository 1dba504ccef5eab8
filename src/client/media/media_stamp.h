// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the synthetic encoders write into every payload, so that a receiver can tell which packet of
// which frame it holds, whatever was rewritten on the way (02 DES-52).
//
//  0      4       8       12   14   16   17    18    19 20 21      29       33
// +------+-------+-------+----+----+-----+-----+-----+--+---------+--------+
// | magic| track | frame |idx |cnt |layer|temp.|flags| refs back 2 | capture µs | check |
// +------+-------+-------+----+----+-----+-----+-----+--+---------+--------+
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"

namespace confab::client {

struct MediaStamp {
    static constexpr std::size_t kSize = 33;
    static constexpr std::size_t kMaxReferences = 2;

    std::uint32_t track = 0;
    std::uint32_t frame = 0;  // of the layer, from 0
    std::uint16_t index = 0;  // of the packet in its frame
    std::uint16_t count = 1;
    std::uint8_t layer = 0;  // spatial
    std::uint8_t temporal = 0;
    bool key = false;
    // Frames needed to decode this one, as distances back; 0 for none.
    std::array<std::uint8_t, kMaxReferences> references{};
    Timestamp capture;

    bool first() const { return index == 0; }
    bool last() const { return index + 1 == count; }
    bool operator==(const MediaStamp&) const = default;
};

void write_stamp(ByteWriter& out, const MediaStamp& stamp);
// nullopt for anything that no encoder of ours made, blank frames above all.
std::optional<MediaStamp> read_stamp(BytesView bytes);

}  // namespace confab::client
