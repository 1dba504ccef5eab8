// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Frames out of the packets of a stream. The input is a format, then a list of
//   flags 8 (marker, after a gap, new time) | size 8 | payload
// Checked: frames and what waits stay bounded, every frame has something in it. [IMM-7]
// fuzz: modules client
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "client/media/depacketizer.h"

namespace {

using namespace confab;
using namespace confab::client;

void run(BytesView input) {
    ByteReader in(input);
    Depacketizer frames(static_cast<FrameFormat>(in.u8() % 6));
    JitterBuffer::Packet packet;
    for (std::size_t taken = 0; in.ok() && !in.at_end();) {
        const std::uint8_t flags = in.u8();
        const std::size_t size = in.u8();
        packet.payload = to_vector(in.bytes(std::min(size, in.remaining())));
        packet.marker = (flags & 1) != 0;
        packet.contiguous = (flags & 2) == 0;
        if ((flags & 4) != 0) packet.timestamp += 3000;
        ++packet.sequence;
        frames.push(packet);
        if ((flags & 8) == 0) continue;
        while (const auto frame = frames.pop()) {
            CONFAB_CHECK(!frame->data.empty() && frame->data.size() <= Depacketizer::kMaxFrame);
            CONFAB_CHECK(++taken <= static_cast<std::size_t>(packet.sequence));
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(confab::BytesView(data, size));
    return 0;
}
