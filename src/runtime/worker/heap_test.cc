// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A packet costs no heap call on its whole way through a shard (02 DES-35, 07 MEM-03). This file
// replaces operator new of its program; only the thread that counts is counted. The thread
// sanitizer brings an operator new of its own that cannot be replaced: there is nothing to see
// then.
#if defined(__SANITIZE_THREAD__)
#define CONFAB_COUNT_HEAP 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CONFAB_COUNT_HEAP 0
#endif
#endif
#ifndef CONFAB_COUNT_HEAP
#define CONFAB_COUNT_HEAP 1
#endif

#if CONFAB_COUNT_HEAP

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdlib>

#include "base/counting_allocator_testing.h"
#include "runtime/worker/relay/worker_relays.h"
#include "runtime/worker/room_testing.h"
#include "wire/rtcp/rtcp.h"

namespace confab::worker {
namespace {

constexpr std::size_t kSubscribers = 20;

struct Traffic {
    Traffic() : room({IpAddress::v4(0x7F000001), 7000}) {
        camera = &room.add_client({IpAddress::v4(0x7F000002), 9000});
        microphone = &room.add_client({IpAddress::v4(0x7F000002), 9001});
        for (std::size_t i = 0; i < kSubscribers; ++i)
            subscribers.push_back(&room.add_client(
                {IpAddress::v4(0x7F000003), static_cast<std::uint16_t>(9100 + i)}));
        room.run(Duration::millis(500));
        const auto video = TestRoom::receiver(*camera, 1000, sfu::Codec::kVp8);
        const auto audio = TestRoom::receiver(*microphone, 1001, sfu::Codec::kOpus);
        for (const auto& receiver : {video, audio})
            room.shard().handle_command(room.now(), receiver);
        for (std::size_t i = 0; i < kSubscribers; ++i) {
            room.shard().handle_command(
                room.now(), TestRoom::down_track(*subscribers[i], video, video_ssrc(i)));
            room.shard().handle_command(
                room.now(), TestRoom::down_track(*subscribers[i], audio, video_ssrc(i) + 2));
        }
        room.run(Duration::millis(20));
    }
    static std::uint32_t video_ssrc(std::size_t i) {
        return static_cast<std::uint32_t>(5000 + 10 * i);
    }

    // A frame of 7 packets and an audio packet, of which every 20th video packet is lost.
    std::vector<std::pair<SocketAddress, Bytes>> make_turn() {
        std::vector<std::pair<SocketAddress, Bytes>> result;
        for (int i = 0; i < 7; ++i) {
            wire::RtpHeader header;
            header.payload_type = 96;
            header.ssrc = 0xABCD;
            header.timestamp = static_cast<std::uint32_t>(frame * 3000);
            header.marker = i == 6;
            const Bytes payload = TestRoom::vp8_payload(
                i == 0, frame == 0, static_cast<std::uint16_t>(frame & 0x7FFF), 1100);
            Bytes packet = TestRoom::protect(*camera, header, video_sequence++, payload, "0");
            if (frame > 0 && video_sequence % 20 == 0) continue;
            result.emplace_back(camera->address, std::move(packet));
        }
        wire::RtpHeader header;
        header.payload_type = 111;
        header.ssrc = 77;
        header.timestamp = static_cast<std::uint32_t>(frame * 960);
        result.emplace_back(
            microphone->address,
            TestRoom::protect(*microphone, header, audio_sequence++, Bytes(80, 1), "0"));
        ++frame;
        return result;
    }
    // A subscriber asks for packets it was sent a moment ago.
    std::pair<SocketAddress, Bytes> make_nack(std::size_t i) {
        Bytes compound(100);
        ByteWriter out(compound);
        const auto newest = static_cast<std::uint16_t>(video_sequence - 40);
        const std::array<std::uint16_t, 2> wanted{newest, static_cast<std::uint16_t>(newest + 1)};
        REQUIRE(wire::write_nack(out, 1, video_ssrc(i), wanted));
        const std::size_t size = out.size();
        compound.resize(subscribers[i]->transport->srtp_sender()->protect_rtcp(compound, size));
        return {subscribers[i]->address, std::move(compound)};
    }
    std::size_t turn(const std::vector<std::pair<SocketAddress, Bytes>>& packets) {
        testing::allocations = 0;
        testing::counting_allocations = true;
        for (const auto& [from, bytes] : packets)
            room.datagram(from, bytes);
        while (room.shard().poll_transmit(room.now(), batch))
            batch.clear();
        testing::counting_allocations = false;
        return testing::allocations;
    }

    TestRoom room;
    RoomClient* camera = nullptr;
    RoomClient* microphone = nullptr;
    std::vector<RoomClient*> subscribers;
    std::uint64_t video_sequence = 1000;
    std::uint64_t audio_sequence = 1000;
    std::uint64_t frame = 0;
    sfu::SendBatch batch;
};

TEST_CASE("Shard: 10 000 forwarded packets ask the heap for nothing [DES-35][MEM-03]") {
    Traffic traffic;
    TestRoom& room = traffic.room;
    std::size_t allocations = 0;
    std::uint64_t forwarded = 0;
    constexpr int kWarmUp = 200;
    for (int i = 0; i < kWarmUp + 120; ++i) {
        auto packets = traffic.make_turn();
        if (i % 5 == 4)
            packets.push_back(traffic.make_nack(static_cast<std::size_t>(i) % kSubscribers));
        const std::uint64_t before = room.shard().snapshot().rtp_out;
        const std::size_t asked = traffic.turn(packets);
        if (i >= kWarmUp) {
            CAPTURE(i);
            CHECK(asked == 0);
            allocations += asked;
            forwarded += room.shard().snapshot().rtp_out - before;
        }
        room.run(Duration::millis(30));  // keeps ICE alive; timers run here
    }
    CHECK(allocations == 0);
    CHECK(forwarded >= 10'000);
    CHECK(room.shard().snapshot().nacks_in > 0);
}

TEST_CASE("WorkerRelays: relayed datagrams ask the heap for nothing but the rings [MEM-03]") {
    const SocketAddress local{IpAddress::v4(0x7F000001), 7000};
    constexpr std::uint16_t kPort = 30'000;
    Wakeup bell;
    RelayExchange exchange({local.ip, {}, kPort, kPort}, {local.ip}, 1);
    exchange.connect(0, bell, {local});
    exchange.table().open(IpAddress::Family::kV4, kPort, 7);
    WorkerRelays relays(0, &exchange);
    RelayExchange::Lane& lane = exchange.lane(0);
    sfu::SendBatch batch;
    const Bytes datagram(1200, 1);
    const auto turn = [&] {
        testing::allocations = 0;
        testing::counting_allocations = true;
        (void)push(lane.to_worker.producer(), {0, {}, 0, kPort}, datagram);
        batch.clear();
        while (const RelayedDatagram* const received = relays.front()) {
            batch.commit(relays.path_of(*received), received->size);
            relays.release();
        }
        relays.send(batch);
        while (lane.to_turn.consumer()->front() != nullptr)
            lane.to_turn.consumer()->release();
        testing::counting_allocations = false;
        return testing::allocations;
    };
    CHECK(turn() > 0);
    for (int i = 0; i < 1000; ++i)
        REQUIRE(turn() == 0);
    CHECK(lane.overflowed == 0);
}

}  // namespace
}  // namespace confab::worker

#endif  // CONFAB_COUNT_HEAP
