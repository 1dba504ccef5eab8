// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/rewrite/trailer_strip.h"

#include "wire/video/packet_trailer.h"

namespace confab::sfu {
namespace {

bool is_aggregate(const MediaPacket& source) {
    constexpr unsigned kStapA = 24;  // RFC 6184 §5.7.1
    constexpr unsigned kAp = 48;     // RFC 7798 §4.4.2
    if (source.payload.empty()) return false;
    const unsigned first = source.payload[0];
    return (source.codec == Codec::kH264 && (first & 0x1F) == kStapA) ||
           (source.codec == Codec::kH265 && (first >> 1 & 0x3F) == kAp);
}

}  // namespace

bool has_trailer(const MediaPacket& source) {
    return !is_aggregate(source) && wire::packet_trailer_size(source.payload) > 0;
}

void strip_trailer(ForwardedPacket& packet, const MediaPacket& source) {
    if (!is_aggregate(source)) strip_packet_trailer(packet, source.payload);
}

}  // namespace confab::sfu
