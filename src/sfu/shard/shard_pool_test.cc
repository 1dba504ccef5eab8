// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A worker whose packets take more memory than it may use (02 DES-30, DES-33).
#include <doctest/doctest.h>

#include <array>

#include "sfu/shard/shard_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::vp8_payload;
using test::vp8_receiver;
using test::World;

TEST_CASE("Shard: more history than the pool holds leaves it hearing who comes [DES-33][ICE-01]") {
    constexpr std::size_t kSlots = 1024;
    World world(1, {}, 1, {.large_slots_max = kSlots, .small_slots_max = 2048});
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    constexpr std::array kMids{"0", "1", "2", "3"};
    constexpr std::array kRids{"q", "h", "f"};
    for (std::size_t i = 0; i < kMids.size(); ++i) {
        AddReceiver receiver = vp8_receiver(publisher);
        receiver.receiver = ReceiverId(1000 + i);
        receiver.mid = kMids[i];
        receiver.layers = {{"q", 0, std::nullopt, std::nullopt, 320, 180},
                           {"h", 1, std::nullopt, std::nullopt, 640, 360},
                           {"f", 2, std::nullopt, std::nullopt, 1280, 720}};
        world.command(0, receiver);
        AddDownTrack down = down_track_to(subscriber, receiver, 0, 6000 + 10 * std::uint32_t(i));
        down.settings.max_spatial = 0;
        world.command(0, down);
    }
    world.run(10);
    for (std::uint16_t frame = 0; frame < 400; ++frame) {
        for (std::uint32_t i = 0; i < kMids.size(); ++i)
            for (std::uint32_t layer = 0; layer < kRids.size(); ++layer) {
                wire::RtpHeader header;
                header.payload_type = 96;
                header.ssrc = 0xA000 + 16 * i + layer;
                header.sequence = frame;
                header.timestamp = frame * 300U;
                header.marker = true;
                publisher.send(header, vp8_payload(frame == 0, 1), world.client_out[&publisher],
                               kMids[i], kRids[layer]);
            }
        world.run(3);
    }
    CHECK(subscriber.rtp.size() == 400 * kMids.size());
    CHECK(world.shards[0]->pool().large_in_use() < kSlots * 9 / 10);
    CHECK(world.shards[0]->pool().large_in_use() > kSlots / 2);  // some of it is there
    const Client& late = world.add_client(0);
    world.run(500);
    CHECK(late.transport->connected());
}

}  // namespace
}  // namespace confab::sfu
