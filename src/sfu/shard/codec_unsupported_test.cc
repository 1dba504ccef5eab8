// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a shard tells when a subscriber does not take what is published (02 IN-09).
#include <doctest/doctest.h>

#include "sfu/shard/shard_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::publish_video;
using test::vp8_receiver;
using test::World;

AddDownTrack only_h264(const Client& subscriber, const AddReceiver& receiver) {
    AddDownTrack add = down_track_to(subscriber, receiver, 0, 5000);
    add.codecs = {{Codec::kH264, PayloadType(102), std::nullopt, 90'000, true}};
    return add;
}

TEST_CASE("Shard: a codec that a subscriber does not take is told once, on any worker [IN-09]") {
    for (const std::size_t shard : {0U, 1U}) {
        CAPTURE(shard);
        World world(2);
        Client& publisher = world.add_client(0);
        Client& subscriber = world.add_client(shard);
        world.run(300);
        const AddReceiver receiver = vp8_receiver(publisher);
        world.command(0, receiver);
        world.command(shard, only_h264(subscriber, receiver));
        world.run(10);
        std::uint16_t sequence = 100;
        std::int64_t frame = 0;
        publish_video(world, publisher, 1000, sequence, frame);
        CHECK(subscriber.rtp.empty());
        const auto told = world.events_of<CodecUnsupported>();
        REQUIRE(told.size() == 1);
        CHECK(told.front().down_track == DownTrackId(5000));
        CHECK(told.front().codec == Codec::kVp8);
    }
}

// Another answer for the same section: its receiver goes on in the codec of that one.
TEST_CASE(
    "Shard: a receiver whose section has another codec now sends that, on any worker [IN-12]") {
    for (const std::size_t shard : {0U, 1U}) {
        CAPTURE(shard);
        World world(2);
        Client& publisher = world.add_client(0);
        Client& subscriber = world.add_client(shard);
        world.run(300);
        AddReceiver receiver = vp8_receiver(publisher);
        world.command(0, receiver);
        world.command(shard, down_track_to(subscriber, receiver, 0, 5000));
        world.run(10);
        std::uint16_t sequence = 100;
        std::int64_t frame = 0;
        publish_video(world, publisher, 700, sequence, frame);
        REQUIRE(!subscriber.rtp.empty());
        receiver.codecs = {{Codec::kH264, PayloadType(102), std::nullopt, 90'000, true}};
        world.command(0, receiver);
        const std::size_t before = subscriber.rtp.size();
        // In the old codec still: nobody's.
        publish_video(world, publisher, 800, sequence, frame);
        // Somebody who comes now is not given what the other codec's key frame began.
        world.command(shard, down_track_to(subscriber, receiver, 0, 7000));
        world.run(50);
        CHECK(subscriber.rtp.size() == before);
        const auto send = [&](Bytes payload) {
            wire::RtpHeader header;
            header.payload_type = 102;
            header.ssrc = 0xABCD;
            header.sequence = sequence++;
            header.timestamp = static_cast<std::uint32_t>(frame++ * 3000);
            header.marker = true;
            std::deque<std::pair<SocketAddress, Bytes>> out;
            publisher.send(header, payload, out, "0");
            world.client_out[&publisher].push_back(std::move(out.front()));
            world.run(33);
        };
        send({0x41, 1, 2, 3});  // no key frame
        CHECK(subscriber.rtp.size() == before);
        send({0x67, 0x42, 0x00, 0x1F, 1, 2});
        send({0x41, 1, 2, 3});
        REQUIRE(subscriber.rtp.size() == before + 2);
        CHECK(subscriber.rtp.back().ssrc == 7000);
        // Who agreed to the old codec alone hears that it is of no use to it, and of which.
        const auto told = world.events_of<CodecUnsupported>();
        REQUIRE(told.size() == 1);
        CHECK(told[0].down_track == DownTrackId(5000));
        CHECK(told[0].codec == Codec::kH264);
    }
}

// The publisher did not say what it sends, and it is not what stands first in the answer.
TEST_CASE("Shard: the first packet of an open receiver says which codec it is [SIG-100]") {
    for (const bool open : {true, false})
        for (const std::size_t shard : {0U, 1U}) {
            CAPTURE(open);
            CAPTURE(shard);
            World world(2);
            Client& publisher = world.add_client(0);
            Client& subscriber = world.add_client(shard);
            world.run(300);
            AddReceiver receiver = vp8_receiver(publisher);
            receiver.any_codec = open;
            receiver.codecs.push_back({Codec::kH264, PayloadType(102), std::nullopt, 90'000, true});
            world.command(0, receiver);
            world.command(shard, only_h264(subscriber, receiver));
            world.run(10);
            std::uint16_t sequence = 10;
            const auto send = [&](std::uint8_t pt, const Bytes& payload,
                                  std::uint32_t ssrc = 0x264) {
                wire::RtpHeader header;
                header.payload_type = pt;
                header.ssrc = ssrc;
                header.sequence = sequence++;
                header.timestamp = sequence * 3000U;
                header.marker = true;
                std::deque<std::pair<SocketAddress, Bytes>> out;
                publisher.send(header, payload, out, "0");
                world.client_out[&publisher].push_back(std::move(out.front()));
                world.run(33);
            };
            for (int i = 0; i < 3; ++i)
                send(102, Bytes{0x67, 0x42, 0x00, 0x1F, 1, 2});
            CHECK(subscriber.rtp.size() == (open ? 3 : 0));
            const auto started = world.events_of<LayerStarted>();
            REQUIRE(started.size() == (open ? 1 : 0));
            if (open) CHECK(started[0].codec == Codec::kH264);
            // Known once, it stays: what else comes, of a new encoder too, is of nobody.
            send(96, test::vp8_payload(true, 1));
            send(96, test::vp8_payload(true, 1), 0x265);
            CHECK(subscriber.rtp.size() == (open ? 3 : 0));
            send(102, Bytes{0x67, 0x42, 0x00, 0x1F, 1, 2}, 0x266);
            CHECK(subscriber.rtp.size() == (open ? 4 : 0));
            // At home it is told of what stood first, and of nothing since.
            CHECK(world.events_of<CodecUnsupported>().size() == (open && shard == 1 ? 0 : 1));
        }
}

TEST_CASE(
    "Shard: what alone comes for a while is the codec of a receiver, once it was agreed on "
    "[IN-09] [IN-12]") {
    World world(1);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    AddReceiver receiver = vp8_receiver(publisher);
    receiver.codecs.push_back({Codec::kH264, PayloadType(102), std::nullopt, 90'000, true});
    world.command(0, receiver);
    AddDownTrack down = down_track_to(subscriber, receiver, 0, 5000);
    down.codecs.push_back({Codec::kH264, PayloadType(108), std::nullopt, 90'000, true});
    world.command(0, down);
    world.run(10);
    std::uint16_t sequence = 10;
    // As many packets, each 20 ms; how many of them went on.
    const auto send = [&](std::uint8_t pt, int count, bool key = true) {
        const std::size_t before = subscriber.rtp.size();
        for (int i = 0; i < count; ++i) {
            wire::RtpHeader header;
            header.payload_type = pt;
            header.ssrc = 0x264;
            header.sequence = sequence++;
            header.timestamp = sequence * 1800U;
            header.marker = true;
            std::deque<std::pair<SocketAddress, Bytes>> out;
            const Bytes h264{static_cast<std::uint8_t>(key ? 0x67 : 0x41), 0x42, 0x00, 0x1F, 1, 2};
            publisher.send(header, pt == 96 ? test::vp8_payload(key, 1) : h264, out, "0");
            world.client_out[&publisher].push_back(std::move(out.front()));
            world.run(20);
        }
        return subscriber.rtp.size() - before;
    };
    const auto told = [&] {
        std::size_t count = 0;
        for (const LayerStarted& event : world.events_of<LayerStarted>())
            if (event.other_codec) ++count;
        return count;
    };
    REQUIRE(send(96, 10) == 10);
    // Now and then one of another codec, or one that was not agreed on for long: nothing.
    for (int i = 0; i < 5; ++i) {
        CHECK(send(102, 9) == 0);
        CHECK(send(96, 1) == 1);
    }
    CHECK(send(103, 50) == 0);
    CHECK(told() == 0);
    CHECK(send(96, 1) == 1);
    // 200 ms of it; decoders need a key frame.
    CHECK(send(102, 20, false) == 0);
    CHECK(told() == 1);
    CHECK(send(102, 5) == 5);
    CHECK(send(102, 5, false) == 5);
    CHECK(subscriber.rtp.back().pt == 108);
    CHECK(world.events_of<LayerStarted>().back().codec == Codec::kH264);
    CHECK(world.events_of<CodecUnsupported>().empty());
    // And back.
    CHECK(send(96, 20) == 10);
    CHECK(told() == 2);
}

TEST_CASE("Shard: who takes the codec hears nothing of it; another receiver ends it [IN-09]") {
    World world(1);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    const AddReceiver vp8 = vp8_receiver(publisher);
    world.command(0, vp8);
    AddReceiver h264 = vp8;
    h264.receiver = ReceiverId(2000);
    h264.mid = "7";
    h264.codecs[0].codec = Codec::kH264;
    h264.codecs[0].pt = PayloadType(102);
    world.command(0, h264);
    world.command(0, only_h264(subscriber, vp8));
    std::uint16_t sequence = 100;
    std::int64_t frame = 0;
    publish_video(world, publisher, 1000, sequence, frame);
    REQUIRE(world.events_of<CodecUnsupported>().size() == 1);
    // The room gives it the publication's other codec, and later the first one again.
    SwitchDownTrack change;
    change.down_track = DownTrackId(5000);
    change.receiver = h264.receiver;
    world.command(0, change);
    wire::RtpHeader header;
    header.payload_type = 102;
    header.ssrc = 0x264;
    header.marker = true;
    std::deque<std::pair<SocketAddress, Bytes>> out;
    publisher.send(header, Bytes{0x67, 0x42, 0x00, 0x1F, 1, 2}, out, "7");
    world.client_out[&publisher].push_back(std::move(out.front()));
    world.run(40);
    CHECK(subscriber.rtp.size() == 1);
    CHECK(world.events_of<CodecUnsupported>().size() == 1);
    change.receiver = vp8.receiver;
    world.command(0, change);
    publish_video(world, publisher, world.now_ms + 500, sequence, frame);
    CHECK(world.events_of<CodecUnsupported>().size() == 2);
}

}  // namespace
}  // namespace confab::sfu
