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

// At its home and at another worker.
TEST_CASE("Shard: a video track that falls silent keeps no packets, muted or not [DES-33]") {
    for (const bool muted : {false, true}) {
        CAPTURE(muted);
        World world(2);
        Client& publisher = world.add_client(0);
        Client& here = world.add_client(0);
        Client& there = world.add_client(1);
        world.run(300);
        const AddReceiver receiver = vp8_receiver(publisher);
        world.command(0, receiver);
        world.command(0, down_track_to(here, receiver, 0, 6000));
        world.command(1, down_track_to(there, receiver, 0, 7000));
        world.run(10);
        std::uint16_t sequence = 100;
        std::int64_t frame = 0;
        test::publish_video(world, publisher, 3'000, sequence, frame);
        if (muted) world.command(0, MuteReceiver{receiver.receiver, true});
        for (const auto& shard : world.shards)
            CHECK(shard->pool().large_in_use() > 100);
        // For as long as somebody may ask for one.
        world.run(1'500);
        for (const auto& shard : world.shards)
            CHECK(shard->pool().large_in_use() > 30);
        world.run(3'000);
        for (const auto& shard : world.shards)
            CHECK(shard->pool().large_in_use() == 0);
        if (muted) world.command(0, MuteReceiver{receiver.receiver, false});
        const std::size_t before = there.rtp.size();
        frame = 0;  // a key frame
        test::publish_video(world, publisher, world.now_ms + 1'000, sequence, frame);
        CHECK(here.rtp.size() > before + 80);
        CHECK(there.rtp.size() > before + 80);
        for (const auto& shard : world.shards)
            CHECK(shard->pool().large_in_use() > 80);
    }
}

}  // namespace
}  // namespace confab::sfu
