// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a client writes behind its frames, for a subscriber that would take it for a part of the
// picture (02 IN-42).
#include <doctest/doctest.h>

#include <array>

#include "sfu/shard/shard.h"
#include "sfu/shard/shard_testing.h"
#include "wire/rtp/rtx.h"
#include "wire/video/packet_trailer_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::World;
using wire::test::joined;
using wire::test::usual_packet_trailer;

constexpr std::uint32_t kSsrc = 5000;

AddReceiver vp9_receiver(const Client& publisher) {
    AddReceiver receiver = test::vp8_receiver(publisher);
    receiver.codecs = {{Codec::kVp9, PayloadType(98), PayloadType(99), 90'000, true}};
    receiver.mode = LayerMode::kMultipleSpatialLayersPerStream;
    return receiver;
}

// Descriptors of the two layers of a key picture.
Bytes of_layer(bool top, std::uint8_t picture) {
    if (top) return {0xAC, picture, 0x03, 0x00};
    return {0xAE, picture, 0x00, 0x00, 0x30, 1, 64, 0, 180, 2, 128, 1, 104};
}

void publish(World& world, Client& publisher, std::uint8_t pictures) {
    std::uint16_t sequence = 100;
    for (std::uint8_t picture = 1; picture <= pictures; ++picture) {
        for (const bool top : {false, true}) {
            wire::RtpHeader header;
            header.payload_type = 98;
            header.ssrc = 0xABCD;
            header.sequence = sequence++;
            header.timestamp = picture * 3000U;
            header.marker = top;
            const Bytes body = joined(Bytes{0x82, 0x49, 0x83, 0x42}, Bytes(100, 0x5A));
            publisher.send(header,
                           joined(of_layer(top, picture), joined(body, usual_packet_trailer())),
                           world.client_out[&publisher], "0");
        }
        world.run(33);
    }
}

bool has_trailer(BytesView payload) {
    const Bytes trailer = usual_packet_trailer();
    return payload.size() > trailer.size() &&
           std::equal(trailer.begin(), trailer.end(), payload.end() - std::ssize(trailer));
}

}  // namespace

TEST_CASE("Shard: each layer of a picture goes without its trailer, also sent again [IN-42]") {
    World world(1);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    const AddReceiver receiver = vp9_receiver(publisher);
    world.command(0, receiver);
    AddDownTrack track = test::down_track_to(subscriber, receiver, 0, kSsrc);
    track.strip_packet_trailers = true;
    world.command(0, track);
    world.run(10);
    publish(world, publisher, 20);
    std::array<std::size_t, 2> layers{};
    std::vector<std::uint16_t> sequences;
    for (const test::ReceivedRtp& packet : subscriber.rtp) {
        ++layers.at(packet.payload[2] >> 1 & 1);
        sequences.push_back(packet.sequence);
        CHECK_FALSE(has_trailer(packet.payload));
    }
    CHECK(layers[0] >= 10);
    CHECK(layers[1] >= 10);
    sequences.erase(sequences.begin(), sequences.end() - 10);
    world.run(300);  // what has just been sent may still be on its way
    subscriber.rtp.clear();
    Bytes compound(100);
    ByteWriter out(compound);
    REQUIRE(wire::write_nack(out, 1, kSsrc, sequences));
    compound.resize(out.size());
    subscriber.send_rtcp(compound, world.client_out[&subscriber]);
    world.run(20);
    CHECK(subscriber.rtp.size() == sequences.size());
    for (const test::ReceivedRtp& packet : subscriber.rtp) {
        const auto copy = wire::parse_rtx(packet.payload);
        REQUIRE(copy.has_value());
        CHECK_FALSE(has_trailer(copy->payload));
    }
}

}  // namespace confab::sfu
