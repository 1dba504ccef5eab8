// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/packet_trailer.h"

namespace confab::wire {

std::size_t packet_trailer_size(BytesView frame_end) {
    constexpr std::uint32_t kName = 0x4C4B5453;  // LKTS
    if (frame_end.size() < kMinPacketTrailer) return 0;
    const BytesView end = frame_end.last(kMinPacketTrailer);
    if (load_be32(&end[1]) != kName) return 0;
    const std::size_t size = end[0] ^ 0xFFU;
    return size >= kMinPacketTrailer && size <= frame_end.size() ? size : 0;
}

}  // namespace confab::wire
