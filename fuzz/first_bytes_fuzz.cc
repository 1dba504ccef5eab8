// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules wire

// Any bytes at a port that several protocols share: whatever is said of the first of them stays so
// as more come, is said by the tenth, and a datagram is for one of the two or the other.
#include <cstdlib>

#include "wire/first_bytes.h"
#include "wire/rtp/rtp.h"

using namespace confab;
using namespace confab::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView bytes(data, size);
    FirstBytes kind = FirstBytes::kMore;
    for (std::size_t known = 0; known <= size && known <= 2 * kFirstBytes; ++known) {
        // A copy of the exact size lets the sanitizer see every read past it.
        const Bytes start = to_vector(bytes.first(known));
        const FirstBytes now = first_bytes(start);
        if (kind != FirstBytes::kMore && now != kind) std::abort();
        if (known >= kFirstBytes && now == FirstBytes::kMore) std::abort();
        kind = now;
    }
    const Bytes datagram = to_vector(bytes);
    const PacketKind packet = classify(datagram);
    const bool may_be_turn = packet == PacketKind::kStun || packet == PacketKind::kTurnChannel;
    if (is_for_turn(datagram) && !may_be_turn) std::abort();
    return 0;
}
