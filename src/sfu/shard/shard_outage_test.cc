// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Subscribers whose network is down for a while, through a whole shard (02 ICE-14, MC-03).
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sfu/shard/shard_data_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::opus_receiver;
using test::publish_video;
using test::vp8_receiver;
using test::World;

// One publishes, one is cut off.
struct Outage {
    Outage() : world(1), publisher(world.add_client(0)), subscriber(world.add_client(0)) {
        world.run(300);
    }
    void subscribe(const AddReceiver& receiver) {
        world.command(0, receiver);
        world.command(0, down_track_to(subscriber, receiver, 0, 6000));
        world.run(10);
    }
    void talk(std::size_t packets, std::int64_t spacing) {
        for (std::size_t i = 0; i < packets; ++i) {
            wire::RtpHeader header;
            header.payload_type = 111;
            header.ssrc = 0x5EED;
            header.sequence = sequence++;
            header.timestamp = timestamp += 960;
            publisher.send(header, Bytes(40, 1), world.client_out[&publisher], "1");
            if (spacing > 0 || i % 50 == 0) world.run(std::max<std::int64_t>(spacing, 1));
        }
    }
    void run_until(PeerState state) {
        const auto reached = [&] {
            return world.events_of<PeerStateChanged>().back().state == state;
        };
        for (int i = 0; i < 150 && !reached(); ++i)
            world.run(100);
        REQUIRE(reached());
    }
    void begin() {
        world.cut = &subscriber;
        run_until(PeerState::kDisconnected);
    }
    void end() {
        world.cut = nullptr;
        run_until(PeerState::kReconnected);
        heard_before = subscriber.rtp.size();
    }
    // How far the first packet behind the outage is from the last one before it.
    int step() const {
        REQUIRE(heard_before > 0);
        REQUIRE(subscriber.rtp.size() > heard_before);
        return static_cast<std::uint16_t>(subscriber.rtp[heard_before].sequence -
                                          subscriber.rtp[heard_before - 1].sequence);
    }

    World world;
    Client& publisher;
    Client& subscriber;
    std::uint16_t sequence = 100;
    std::uint32_t timestamp = 0;
    std::size_t heard_before = 0;
};

// Half a cycle of numbers later the client would guess another roll-over counter (RFC 3711 §3.3.1)
// and decrypt nothing from there on.
TEST_CASE("Shard: sound goes on behind an outage of 40,000 packets [ICE-14] [MC-03]") {
    Outage call;
    call.subscribe(opus_receiver(call.publisher));
    call.talk(50, 20);
    REQUIRE(call.subscriber.rtp.size() == 50);
    call.begin();
    call.talk(40'000, 0);
    CHECK(call.subscriber.rtp.size() == 50);
    call.end();
    call.talk(50, 20);
    CHECK(call.subscriber.rtp.size() == 100);
    CHECK(call.step() == 1);
}

TEST_CASE("Shard: a picture goes on behind an outage with a key frame, numbers go on [MC-03]") {
    Outage call;
    call.subscribe(vp8_receiver(call.publisher));
    std::int64_t frame = 0;
    const auto publish = [&](std::int64_t ms) {
        publish_video(call.world, call.publisher, call.world.now_ms + ms, call.sequence, frame);
    };
    publish(500);
    const std::size_t shown = call.subscriber.rtp.size();
    REQUIRE(shown > 20);
    call.begin();
    publish(2'000);
    CHECK(call.subscriber.rtp.size() == shown);
    call.end();
    publish(500);  // nothing but what refers to lost pictures
    CHECK(call.subscriber.rtp.size() == shown);
    frame = 0;
    publish(500);
    CHECK(call.step() == 1);
    CHECK(call.subscriber.rtp.size() > shown + 20);
}

TEST_CASE("Shard: data goes on with a report that is the first sign after an outage [DC-20]") {
    test::DataWorld data(1, {0, 0});
    World& world = data.world;
    Client& cut = *data.clients[1];
    world.cut = &cut;
    REQUIRE(data.send(0, test::text_packet("held back", 1)));
    world.run(1'300);
    REQUIRE(data.texts(1).empty());
    world.cut = nullptr;
    world.drop_to_shards = [](BytesView datagram) {
        return wire::classify(datagram) != wire::PacketKind::kRtcp;
    };
    Bytes compound(100);
    ByteWriter out(compound);
    REQUIRE(wire::write_receiver_report(out, 1, {}));
    compound.resize(out.size());
    cut.send_rtcp(compound, world.client_out[&cut]);
    world.run(20);
    CHECK(data.texts(1) == std::vector<std::string>{"held back"});
}

}  // namespace
}  // namespace confab::sfu
