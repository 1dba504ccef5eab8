// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Packets that are nobody's, or nobody's yet, beside those of a publisher, through a whole shard:
// neither may keep the publisher from being heard.
#include <doctest/doctest.h>

#include "sfu/inbound/inbound_table.h"
#include "sfu/shard/shard_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::opus_receiver;
using test::World;

constexpr std::uint32_t kSsrc = 0x5EED;

// One talks, one listens.
struct Call {
    Call() : world(1), publisher(world.add_client(0)), subscriber(world.add_client(0)) {
        world.run(300);
    }
    void add_track() {
        const AddReceiver receiver = opus_receiver(publisher);
        world.command(0, receiver);
        world.command(0, down_track_to(subscriber, receiver, 0, 6000));
    }
    void talk(int packets) {
        for (int i = 0; i < packets; ++i) {
            wire::RtpHeader header;
            header.payload_type = 111;
            header.ssrc = kSsrc;
            header.sequence = sequence++;
            header.timestamp = std::uint32_t{header.sequence} * 960;
            publisher.send(header, Bytes(40, 0x78), world.client_out[&publisher], "1");
            world.run(20);
        }
    }
    // RTP that nobody with the keys has made, with the publisher's address as its source.
    void forge(std::uint32_t packets) {
        for (std::uint32_t i = 0; i < packets; ++i) {
            Bytes packet(80, 0x33);
            ByteWriter writer(packet);
            wire::RtpHeader header;
            header.payload_type = 111;
            header.ssrc = 0xBAD0000 + i;
            wire::write_rtp_header(writer, header);
            world.to_shards.push_back(
                {publisher.address, World::shard_address(0), std::move(packet)});
        }
        world.run(1);
    }
    World world;
    Client& publisher;
    Client& subscriber;
    std::uint16_t sequence = 100;
};

TEST_CASE("Shard: forged packets with a publisher's address do not mute it [DES-25][IMM-7]") {
    Call call;
    call.add_track();
    call.talk(10);
    REQUIRE(call.subscriber.rtp.size() == 10);
    for (int round = 0; round < 3; ++round) {  // a second each
        call.forge(2 * peer::Transport::kMaxSrtpFailuresPerSecond);
        call.talk(50);
    }
    CHECK(call.subscriber.rtp.size() == 160);
}

TEST_CASE("Shard: media long before its section is heard from the section on [IN-50][SDP-28]") {
    Call call;
    call.talk(2 * static_cast<int>(InboundTable::kMaxProbes));
    REQUIRE(call.subscriber.rtp.empty());
    call.add_track();
    call.talk(50);
    CHECK(call.subscriber.rtp.size() == 50);
}

}  // namespace
}  // namespace confab::sfu
