// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The stored copy of media (02 DES-32, DES-33): what is found again, for how long, in which memory.
#include "sfu/rewrite/packet_history.h"

#include <doctest/doctest.h>

#include "sfu/forward/forward_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;

TEST_CASE("PacketHistory: finds what it kept, in small slots for audio, and forgets the oldest") {
    PacketPool pool;
    {
        PacketHistory history(MediaKind::kAudio);
        for (std::int64_t s = 0; s < 100; ++s) {
            PacketRef ref = pool.acquire_large();
            ref.set_size(100);
            ref.data()[12] = static_cast<std::uint8_t>(s);
            MediaPacket packet;
            packet.sequence = 1000 + s;
            packet.payload = BytesView(ref.data()).subspan(12, 50);
            history.add(pool, packet, ref);
            CHECK(packet.payload[0] == static_cast<std::uint8_t>(s));
        }
        CHECK(pool.large_in_use() == 0);
        CHECK(pool.small_in_use() == history.capacity());
        CHECK(history.find(1000) == nullptr);
        CHECK(history.find(1100) == nullptr);
        CHECK(history.find(-5) == nullptr);
        CHECK(history.find(1099)->payload[0] == 99);
        CHECK(history.find(1030)->payload.size() == 50);
    }
    CHECK(pool.small_in_use() == 0);
}

TEST_CASE("PacketHistory: the configuration bounds what is kept [DES-32]") {
    CHECK(PacketHistory(MediaKind::kVideo, 50).capacity() == 50);
    CHECK(PacketHistory(MediaKind::kVideo, 1000).capacity() == PacketHistory::kVideoInitial);
    CHECK(PacketHistory(MediaKind::kAudio, 20).capacity() == 20);
    CHECK(PacketHistory(MediaKind::kAudio).capacity() == PacketHistory::kAudioInitial);
}

TEST_CASE("PacketHistory: a fast stream gets a longer memory, up to the limit") {
    PacketPool pool;
    PacketHistory history(MediaKind::kVideo);
    for (std::int64_t s = 0; s < 3000; ++s) {
        PacketRef ref = pool.acquire_large();
        ref.set_size(1200);
        MediaPacket packet;
        packet.sequence = s;
        packet.arrival = at_ms(s);
        packet.payload = ref.data();
        history.add(pool, packet, ref);
    }
    CHECK(history.capacity() == PacketHistory::kVideoMax);
    CHECK(history.find(2999 - 400) != nullptr);
    history.clear();
}

}  // namespace
}  // namespace confab::sfu
