// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a shard asks its publishers for and tells them, through whole shards and clients.
#include <doctest/doctest.h>

#include <set>

#include "sfu/shard/shard_testing.h"
#include "wire/rtcp/rtcp.h"
#include "wire/rtcp/rtcp_xr.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::World;

constexpr std::uint32_t kVideoSsrc = 0xABCD;

AddReceiver camera_of(const Client& publisher) {
    AddReceiver add;
    add.receiver = ReceiverId(1000);
    add.peer = publisher.id;
    add.room = RoomId(1);
    add.kind = MediaKind::kVideo;
    add.mid = "0";
    add.codecs = {{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true}};
    add.extensions.mid = 4;
    add.layers = {{"", 0, std::nullopt, std::nullopt, 640, 360}};
    return add;
}

AddDownTrack video_to(const Client& subscriber) {
    AddDownTrack add;
    add.down_track = DownTrackId(5000);
    add.peer = subscriber.id;
    add.receiver = ReceiverId(1000);
    add.kind = MediaKind::kVideo;
    add.ssrc = Ssrc(5000);
    add.rtx_ssrc = Ssrc(5001);
    add.codecs = {{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true}};
    return add;
}

// A frame of one packet every 33 ms.
struct Camera {
    World& world;
    Client& publisher;
    std::uint16_t sequence = 100;
    std::uint32_t frame = 0;
    std::set<std::uint32_t> key_frames{0};

    void run(std::int64_t ms) {
        for (const std::int64_t end = world.now_ms + ms; world.now_ms < end; ++frame) {
            wire::RtpHeader header;
            header.payload_type = 96;
            header.ssrc = kVideoSsrc;
            header.sequence = sequence++;
            header.timestamp = frame * 3000;
            header.marker = true;
            Bytes payload{0x10, static_cast<std::uint8_t>(key_frames.contains(frame) ? 0 : 1),
                          0,    0,
                          0x9D, 0x01,
                          0x2A, 64,
                          0,    48,
                          0};
            payload.resize(400);
            publisher.send(header, payload, world.client_out[&publisher], "0");
            world.run(33);
        }
    }
};

std::size_t plis_to(const Client& client) {
    std::size_t count = 0;
    for (const auto& received : client.rtcp) {
        wire::RtcpReader reader(received.compound);
        while (const auto block = reader.next())
            count += wire::parse_pli(*block).has_value() ? 1U : 0U;
    }
    return count;
}

TEST_CASE("Shard: who comes back after an outage gets a key frame at once [SIG-145][IN-08]") {
    World world(1);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    world.command(0, camera_of(publisher));
    world.command(0, video_to(subscriber));
    Camera camera{world, publisher};
    camera.run(1000);
    REQUIRE(subscriber.rtp.size() > 20);

    world.cut = &subscriber;
    camera.run(12'000);
    const std::size_t before = plis_to(publisher);
    const std::size_t seen = subscriber.rtp.size();
    world.cut = nullptr;
    while (plis_to(publisher) == before && world.now_ms < 20'000)
        camera.run(33);
    camera.key_frames.insert(camera.frame);
    camera.run(4000);
    CHECK(subscriber.rtp.size() > seen + 20);
    CHECK(plis_to(publisher) == before + 1);
}

TEST_CASE("Shard: a packet all copies of which are lost takes a key frame, once [FWD-11][IN-08]") {
    World world(1);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    world.command(0, camera_of(publisher));
    world.command(0, video_to(subscriber));
    Camera camera{world, publisher};
    camera.run(1000);
    REQUIRE(subscriber.rtp.size() > 20);
    const std::size_t before = plis_to(publisher);
    const std::uint16_t lost = subscriber.rtp.back().sequence;
    const auto copies = [&] {
        std::size_t count = 0;
        for (const auto& one : subscriber.rtp)
            count += one.ssrc == 5001 ? 1U : 0U;
        return count;
    };
    const auto ask = [&] {
        Bytes compound(100);
        ByteWriter out(compound);
        REQUIRE(wire::write_nack(out, 1, 5000, std::span(&lost, 1)));
        compound.resize(out.size());
        subscriber.send_rtcp(compound, world.client_out[&subscriber]);
        camera.run(110);
    };
    for (int i = 0; i < 5; ++i)
        ask();
    CHECK(copies() == 3);
    CHECK(plis_to(publisher) == before);  // the last copy may be on its way
    for (int i = 0; i < 10; ++i)
        ask();
    CHECK(copies() == 3);
    CHECK(plis_to(publisher) == before + 1);
}

TEST_CASE(
    "Shard: what is subscribed in an outage starts with a key frame behind it [SIG-145][FWD-16]") {
    World world(1);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    world.command(0, camera_of(publisher));
    Camera camera{world, publisher};
    world.cut = &subscriber;
    camera.run(12'000);
    world.command(0, video_to(subscriber));
    // It could start here, were there somebody to hear it.
    camera.key_frames.insert(camera.frame + 2);
    camera.run(1500);  // too old to begin with, afterwards
    world.cut = nullptr;
    camera.run(1000);
    CHECK(subscriber.rtp.empty());
    CHECK(plis_to(publisher) > 0);
    camera.key_frames.insert(camera.frame);
    camera.run(500);
    REQUIRE_FALSE(subscriber.rtp.empty());
    CHECK((subscriber.rtp.front().payload[1] & 1) == 0);
}

TEST_CASE("Shard: media shows at once that an outage is over [SIG-145][IN-08]") {
    World world(1);
    Client& publisher = world.add_client(0);
    world.run(300);
    world.command(0, camera_of(publisher));
    Camera camera{world, publisher};
    camera.run(500);
    world.cut = &publisher;
    camera.run(12'000);
    const auto told = [&](PeerState state) {
        std::size_t count = 0;
        for (const PeerStateChanged& event : world.events_of<PeerStateChanged>())
            count += event.state == state ? 1U : 0U;
        return count;
    };
    REQUIRE(told(PeerState::kDisconnected) == 1);
    world.cut = nullptr;
    // Nothing but media gets through.
    world.drop_to_shards = [](BytesView bytes) {
        return wire::classify(bytes) != wire::PacketKind::kRtp;
    };
    camera.run(40);
    CHECK(told(PeerState::kReconnected) == 1);
}

TEST_CASE("Shard: sender reports of more tracks than a batch holds all leave [FWD-10]") {
    constexpr std::uint32_t kTracks = 2400;  // with these names 300 datagrams of 1100 octets
    World world(1);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    const AddReceiver receiver = test::opus_receiver(publisher);
    world.command(0, receiver);
    for (std::uint32_t i = 0; i < kTracks; ++i) {
        AddDownTrack add = test::down_track_to(subscriber, receiver, 0, 5000 + 2 * i);
        add.cname = std::string(95, 'n');
        world.command(0, add);
    }
    const auto publish = [&] {
        for (std::uint16_t sequence = 100; sequence < 103; ++sequence) {
            wire::RtpHeader header;
            header.payload_type = 111;
            header.ssrc = kVideoSsrc;
            header.sequence = sequence;
            header.timestamp = std::uint32_t{sequence} * 960;
            publisher.send(header, Bytes(40, 0x78), world.client_out[&publisher], "1");
            world.run(20);
        }
    };
    publish();
    wire::SenderReport report;
    report.ssrc = kVideoSsrc;
    report.ntp = NtpTime::from_unix(UnixTime::seconds(1'600'000'000));
    report.rtp_time = 960 * 103;
    Bytes compound(28);
    ByteWriter out(compound);
    REQUIRE(wire::write_sender_report(out, report));
    publisher.send_rtcp(compound, world.client_out[&publisher]);
    world.run(3500);
    std::set<std::uint32_t> reported;
    for (const auto& received : subscriber.rtcp) {
        wire::RtcpReader reader(received.compound);
        while (const auto block = reader.next())
            if (const auto sr = wire::parse_sender_report(*block)) reported.insert(sr->ssrc);
    }
    CHECK(reported.size() == kTracks);
}

// Many microphones of one publisher, a packet of each every 20 ms.
struct Choir {
    static constexpr std::uint32_t kVoices = 80;  // NACKs of one packet each need two datagrams
    static constexpr std::uint32_t kFirstSsrc = 2000;

    Choir(World& in, Client& singer) : world(in), publisher(singer) {
        for (std::uint32_t i = 0; i < kVoices; ++i) {
            AddReceiver add = camera_of(publisher);
            add.receiver = ReceiverId(kFirstSsrc + i);
            add.kind = MediaKind::kAudio;
            add.mid = std::to_string(i);
            add.codecs = {{Codec::kOpus, PayloadType(111), std::nullopt, 48'000, true}};
            add.layers = {{}};
            world.command(0, add);
        }
    }
    void run(std::int64_t ms) {
        for (const std::int64_t end = world.now_ms + ms; world.now_ms < end; ++sequence) {
            for (std::uint32_t i = 0; i < kVoices; ++i) {
                wire::RtpHeader header;
                header.payload_type = 111;
                header.ssrc = kFirstSsrc + i;
                header.sequence = sequence;
                header.timestamp = std::uint32_t{sequence} * 960;
                publisher.send(header, Bytes(40, 0x78), world.client_out[&publisher],
                               std::to_string(i));
            }
            world.run(20);
        }
    }

    World& world;
    Client& publisher;
    std::uint16_t sequence = 100;
};

// pion hands a compound to each stream that it names.
TEST_CASE("Shard: reports and NACKs of many streams, a datagram for each [IN-05][IN-04]") {
    World world(1);
    Client& publisher = world.add_client(0);
    world.run(300);
    Choir choir(world, publisher);
    choir.run(1500);
    std::set<std::uint32_t> reported, asked;
    const auto read = [&] {
        for (const auto& received : publisher.rtcp) {
            CHECK(received.compound.size() <= 1200);
            std::set<std::uint32_t> named;
            wire::RtcpReader reader(received.compound);
            while (const auto block = reader.next()) {
                if (const auto report = wire::parse_receiver_report(*block))
                    for (std::size_t i = 0; i < report->blocks.size(); ++i)
                        named.insert(*reported.insert(report->blocks[i].ssrc).first);
                if (const auto nack = wire::parse_nack(*block))
                    named.insert(*asked.insert(nack->media_ssrc).first);
            }
            CHECK_FALSE(reader.error());
            CHECK(named.size() <= 1);
        }
        publisher.rtcp.clear();
    };
    read();
    CHECK(reported.size() == Choir::kVoices);
    CHECK(asked.empty());
    // Each loses the same packet, shortly before the next reports are due.
    reported.clear();
    ++choir.sequence;
    choir.run(1100);
    read();
    CHECK(reported.size() == Choir::kVoices);
    CHECK(asked.size() == Choir::kVoices);
}

TEST_CASE("Shard: key frames of more streams than a datagram has requests for [IN-08][IN-05]") {
    constexpr std::uint32_t kCameras = 110;  // 12 octets each
    World world(1);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    for (std::uint32_t i = 0; i < kCameras; ++i) {
        AddReceiver add = camera_of(publisher);
        add.receiver = ReceiverId(2000 + i);
        add.mid = std::to_string(i);
        world.command(0, add);
    }
    const auto picture = [&](std::uint16_t sequence) {
        for (std::uint32_t i = 0; i < kCameras; ++i) {
            wire::RtpHeader header;
            header.payload_type = 96;
            header.ssrc = 2000 + i;
            header.sequence = sequence;
            header.timestamp = std::uint32_t{sequence} * 3000;
            header.marker = true;
            Bytes payload{0x10, 1, 0, 0};
            payload.resize(60);
            publisher.send(header, payload, world.client_out[&publisher], std::to_string(i));
        }
        world.run(33);
    };
    for (std::uint16_t sequence = 100; sequence < 160; ++sequence)
        picture(sequence);
    publisher.rtcp.clear();
    // All become wanted at once.
    for (std::uint32_t i = 0; i < kCameras; ++i) {
        AddDownTrack add = video_to(subscriber);
        add.down_track = DownTrackId(5000 + 2 * i);
        add.receiver = ReceiverId(2000 + i);
        add.ssrc = Ssrc(5000 + 2 * i);
        add.rtx_ssrc = Ssrc(5001 + 2 * i);
        world.command(0, add);
    }
    picture(160);
    std::set<std::uint32_t> asked;
    for (const auto& received : publisher.rtcp) {
        CHECK(received.compound.size() <= 1200);
        wire::RtcpReader reader(received.compound);
        while (const auto block = reader.next())
            if (const auto pli = wire::parse_pli(*block)) asked.insert(pli->media_ssrc);
    }
    CHECK(asked.size() == kCameras);
}

// How often one lost packet is asked for in 150 ms, behind a DLRR of its publisher with those round
// trips.
std::size_t asks_with(std::initializer_list<Duration> round_trips) {
    World world(1);
    Client& publisher = world.add_client(0);
    world.run(300);
    world.command(0, camera_of(publisher));
    Camera camera{world, publisher};
    camera.run(500);
    const UnixTime wall = UnixTime::seconds(1'700'000'000) + Duration::millis(world.now_ms);
    std::vector<wire::DlrrEntry> entries;
    for (const Duration round_trip : round_trips)
        entries.push_back({1, NtpTime::from_unix(wall).compact() - to_compact_ntp(round_trip), 0});
    Bytes compound(100);
    ByteWriter out(compound);
    REQUIRE(wire::write_dlrr(out, kVideoSsrc, entries));
    compound.resize(out.size());
    publisher.send_rtcp(compound, world.client_out[&publisher]);
    world.run(5);
    publisher.rtcp.clear();
    ++camera.sequence;
    camera.run(165);
    std::size_t asks = 0;
    for (const auto& received : publisher.rtcp) {
        wire::RtcpReader reader(received.compound);
        while (const auto block = reader.next())
            asks += wire::parse_nack(*block) ? 1U : 0U;
    }
    return asks;
}

TEST_CASE("Shard: NACKs follow the publisher's round trip, unless it is absurd [FWD-13][IN-04]") {
    constexpr Duration kAbsurd = Duration::millis(10'100);
    const std::size_t near = asks_with({Duration::millis(70)});
    CHECK(near >= 2);
    CHECK(asks_with({Duration::millis(9'900)}) == 1);
    CHECK(asks_with({kAbsurd}) == near);
    CHECK(asks_with({Duration::millis(9'900), kAbsurd}) == 1);  // the other one still counts
}

}  // namespace
}  // namespace confab::sfu
