// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Packet trailers: what is cut off is within the frame, and so is what is cut off for a subscriber
// behind a rewritten descriptor. [IN-42]
// fuzz: modules base wire sfu
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "sfu/forward/forwarded_packet.h"
#include "wire/video/packet_trailer.h"

namespace {

using namespace confab;

// The first octet says how many are a descriptor that is replaced.
void run(BytesView input) {
    if (input.empty()) return;
    const BytesView payload = input.subspan(1);
    const std::size_t size = wire::packet_trailer_size(payload);
    CONFAB_CHECK(size == 0 || size >= wire::kMinPacketTrailer);
    CONFAB_CHECK(size <= payload.size() && size <= wire::kMaxPacketTrailer);
    sfu::ForwardedPacket packet;
    packet.payload_offset = input[0] & 0x1F;
    const BytesView before = packet.body(payload);
    const std::size_t cut = wire::packet_trailer_size(before);
    sfu::strip_packet_trailer(packet, payload);
    const BytesView after = packet.body(payload);
    CONFAB_CHECK(after.size() == before.size() - cut);
    CONFAB_CHECK(after.empty() || after.data() == before.data());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(confab::BytesView(data, size));
    return 0;
}
