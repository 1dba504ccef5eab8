// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Packets that waited in the socket of a busy worker count from when they came (RFC 3550 §6.4.1,
// 02 IN-05, IN-07).
#include <doctest/doctest.h>

#include "sfu/shard/shard_testing.h"
#include "wire/rtcp/rtcp.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::opus_receiver;
using test::World;
using test::world_time;

constexpr std::int64_t kFrame = 20;  // ms
constexpr int kBurst = 10;           // packets that the worker finds at a time

// A publisher whose packets come each 20 ms and are read ten at a time.
struct LateReader {
    LateReader() : world(1), publisher(world.add_client(0)) {
        world.run(300);
        world.command(0, opus_receiver(publisher));
    }
    void read(int bursts, bool stamped) {
        ice::Path path;
        path.local = World::shard_address(0);
        path.remote = publisher.address;
        for (int burst = 0; burst < bursts; ++burst) {
            world.run(kFrame * kBurst);
            for (int i = 0; i < kBurst; ++i) {
                wire::RtpHeader header;
                header.payload_type = 111;
                header.ssrc = 0x5EED;
                header.sequence = sequence++;
                header.timestamp = sequence * 960U;
                std::deque<std::pair<SocketAddress, Bytes>> out;
                publisher.send(header, Bytes(40, 1), out, "1");
                Shard::Origin origin;
                if (stamped) origin.arrival = world_time(world.now_ms - (kBurst - 1 - i) * kFrame);
                (void)world.give(0, path, out.front().second, origin);
            }
        }
        world.run(kFrame);
    }
    // Of the newest report, in ms.
    std::uint32_t jitter() const {
        std::optional<std::uint32_t> newest;
        for (const test::ReceivedRtcp& one : publisher.rtcp) {
            wire::RtcpReader reader(one.compound);
            while (const auto block = reader.next())
                if (const auto report = wire::parse_receiver_report(*block))
                    if (report->blocks.size() > 0) newest = report->blocks[0].jitter;
        }
        REQUIRE(newest.has_value());
        return *newest / 48;
    }
    World world;
    Client& publisher;
    std::uint16_t sequence = 100;
};

TEST_CASE("Shard: what waited in a socket is no jitter of the network [IN-05]") {
    LateReader stamped;
    stamped.read(20, true);
    CHECK(stamped.jitter() == 0);
    LateReader plain;
    plain.read(20, false);
    CHECK(plain.jitter() >= 15);
}

TEST_CASE("Shard: an arrival that is said to be to come counts as now [IN-05]") {
    LateReader reader;
    ice::Path path;
    path.local = World::shard_address(0);
    path.remote = reader.publisher.address;
    for (int i = 0; i < 80; ++i) {
        wire::RtpHeader header;
        header.payload_type = 111;
        header.ssrc = 0x5EED;
        header.sequence = reader.sequence++;
        header.timestamp = reader.sequence * 960U;
        std::deque<std::pair<SocketAddress, Bytes>> out;
        reader.publisher.send(header, Bytes(40, 1), out, "1");
        Shard::Origin origin;
        origin.arrival = world_time(reader.world.now_ms + (i % 2) * 500);
        (void)reader.world.give(0, path, out.front().second, origin);
        reader.world.run(kFrame);
    }
    CHECK(reader.jitter() == 0);
}

}  // namespace
}  // namespace confab::sfu
