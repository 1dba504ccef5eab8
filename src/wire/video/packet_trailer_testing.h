// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Packet trailers as clients write them, for tests (02 IN-42).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace confab::wire::test {

struct TrailerValue {
    std::uint8_t tag = 0;
    Bytes value;
};

// With the length that it has, or that it is to claim.
inline Bytes packet_trailer(const std::vector<TrailerValue>& values,
                            std::optional<std::uint8_t> claimed = {}) {
    Bytes out;
    for (const TrailerValue& one : values) {
        out.push_back(one.tag);
        out.push_back(static_cast<std::uint8_t>(one.value.size()));
        out.insert(out.end(), one.value.begin(), one.value.end());
    }
    out.push_back(claimed.value_or(static_cast<std::uint8_t>(out.size() + 5)));
    for (std::uint8_t& octet : out)
        octet ^= 0xFF;
    for (const char letter : std::string_view("LKTS"))
        out.push_back(static_cast<std::uint8_t>(letter));
    return out;
}

// The time of capture and the number of a frame.
inline Bytes usual_packet_trailer() {
    return packet_trailer({{1, {0, 6, 0x1A, 0x80, 0x33, 0x22, 0x11, 0}}, {2, {0, 0, 0, 7}}});
}

inline Bytes joined(Bytes frame, const Bytes& trailer) {
    frame.insert(frame.end(), trailer.begin(), trailer.end());
    return frame;
}

}  // namespace confab::wire::test
