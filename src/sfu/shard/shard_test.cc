// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whole shards against clients made of our own transports: one, two and four shards in one thread,
// virtual time, rings as queues (02 DES-54).

#include "sfu/shard/shard.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <tuple>

#include "sfu/shard/shard_testing.h"
#include "wire/rtcp/transport_cc.h"
#include "wire/rtp/rtp_extensions.h"
#include "wire/rtp/rtx.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::opus_receiver;
using test::publish_video;
using test::ReceivedRtp;
using test::vp8_payload;
using test::vp8_receiver;
using test::World;
using test::world_time;

TEST_CASE(
    "Shard: VP8 reaches subscribers on every shard, continuous and decodable [DES-40][FWD-01]") {
    for (const std::size_t count : {1U, 2U, 4U}) {
        CAPTURE(count);
        World world(count);
        Client& publisher = world.add_client(0);
        std::vector<Client*> subscribers;
        subscribers.reserve(4);
        for (std::size_t i = 0; i < 4; ++i)
            subscribers.push_back(&world.add_client(i % count));
        world.run(300);
        CHECK(world.events_of<PeerStateChanged>().size() == 5);
        const AddReceiver receiver = vp8_receiver(publisher);
        world.command(0, receiver);
        for (std::size_t i = 0; i < subscribers.size(); ++i)
            world.command(subscribers[i]->shard,
                          down_track_to(*subscribers[i], receiver, 0,
                                        static_cast<std::uint32_t>(5000 + 10 * i)));
        world.run(10);
        std::uint16_t sequence = 65'500;
        std::int64_t frame = 0;
        publish_video(world, publisher, 3300, sequence, frame);
        for (Client* subscriber : subscribers) {
            REQUIRE(subscriber->rtp.size() > 200);
            CHECK(subscriber->rtp.front().payload[1] == 0x00);  // starts with the key frame
            for (std::size_t i = 1; i < subscriber->rtp.size(); ++i) {
                const ReceivedRtp& before = subscriber->rtp[i - 1];
                const ReceivedRtp& packet = subscriber->rtp[i];
                CHECK(static_cast<std::uint16_t>(before.sequence + 1) == packet.sequence);
                CHECK(packet.timestamp - before.timestamp == (before.marker ? 3000U : 0U));
                CHECK(packet.pt == 96);
            }
        }
        CHECK_FALSE(world.events_of<LayerStarted>().empty());
        CHECK_FALSE(world.events_of<StreamStateChanged>().empty());
        CHECK(world.shards[0]->snapshot().links_dropped == 0);
    }
}

TEST_CASE("Shard: a subscriber's NACK is answered by RTX from the local history [FWD-11][DES-32]") {
    World world(2);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(1);
    world.run(300);
    const AddReceiver receiver = vp8_receiver(publisher);
    world.command(0, receiver);
    world.command(1, down_track_to(subscriber, receiver, 0, 5000));
    world.run(10);
    std::uint16_t sequence = 100;
    std::int64_t frame = 0;
    publish_video(world, publisher, 1000, sequence, frame);
    const std::size_t before = subscriber.rtp.size();
    REQUIRE(before > 30);
    const ReceivedRtp wanted = subscriber.rtp[before - 20];
    Bytes compound(100);
    ByteWriter out(compound);
    const std::array<std::uint16_t, 1> list{wanted.sequence};
    REQUIRE(wire::write_nack(out, 1, 5000, list));
    compound.resize(out.size());
    subscriber.send_rtcp(compound, world.client_out[&subscriber]);
    world.run(5);
    REQUIRE(subscriber.rtp.size() == before + 1);
    const ReceivedRtp& repaired = subscriber.rtp.back();
    CHECK(repaired.ssrc == 5001);
    CHECK(repaired.pt == 97);
    CHECK(repaired.timestamp == wanted.timestamp);
    const auto rtx = wire::parse_rtx(repaired.payload).value();
    CHECK(rtx.original_sequence == wanted.sequence);
    CHECK(to_vector(rtx.payload) == wanted.payload);
}

TEST_CASE(
    "Shard: loss towards us is asked for, reports and transport-cc flow [IN-04][IN-05][IN-07]") {
    World world(1);
    Client& publisher = world.add_client(0);
    world.run(300);
    world.command(0, vp8_receiver(publisher));
    std::uint16_t sequence = 100;
    std::int64_t frame = 0;
    publish_video(world, publisher, 3000, sequence, frame,
                  [](std::uint16_t s) { return s % 20 == 0; });
    std::set<std::uint16_t> asked;
    int receiver_reports = 0, reference_times = 0;
    std::uint32_t reported_to = 100;  // lost, so that the stream begins behind it
    std::int32_t lost_in_all = 0;
    std::int64_t first_report = 0;
    for (const auto& [ms, compound] : publisher.rtcp) {
        wire::RtcpReader reader(compound);
        while (const auto block = reader.next()) {
            if (const auto nack = wire::parse_nack(*block))
                nack->for_each([&](std::uint16_t s) { asked.insert(s); });
            if (const auto report = wire::parse_receiver_report(*block)) {
                if (++receiver_reports == 1) first_report = ms;
                const wire::ReportBlock block_of = report->blocks[0];
                CHECK(block_of.ssrc == 0xABCD);
                std::int32_t lost = 0;
                for (std::uint32_t n = reported_to + 1; n <= block_of.highest_sequence; ++n)
                    lost += n % 20 == 0 ? 1 : 0;
                const std::uint32_t expected = block_of.highest_sequence - reported_to;
                REQUIRE(expected > 60);
                lost_in_all += lost;
                CHECK(block_of.fraction_lost == static_cast<std::uint32_t>(lost) * 256 / expected);
                CHECK(block_of.cumulative_lost == lost_in_all);
                reported_to = block_of.highest_sequence;
            }
            if (block->type == wire::RtcpType::kExtendedReport) ++reference_times;
        }
        CHECK_FALSE(reader.error().has_value());
    }
    CHECK(asked.size() >= 10);
    for (const std::uint16_t s : asked)
        CHECK(s % 20 == 0);
    CHECK(receiver_reports == 2);
    // The first one a second behind the first packet: browsers name their streams until then.
    CHECK(first_report >= 1300);
    CHECK(first_report <= 1300 + 66);
    CHECK(lost_in_all >= 8);
    CHECK(reference_times == receiver_reports);
}

TEST_CASE("Shard: the publisher hears of its subscribers' loss where that is wanted [IN-05]") {
    for (const bool proxying : {false, true}) {
        CAPTURE(proxying);
        ShardOptions options;
        options.loss_proxying = proxying;
        World world(2, options);
        Client& publisher = world.add_client(0);
        Client& near = world.add_client(0);
        Client& far = world.add_client(1);
        world.run(300);
        const AddReceiver audio = opus_receiver(publisher);
        world.command(0, audio);
        world.command(0, down_track_to(near, audio, 0, 5000));
        world.command(1, down_track_to(far, audio, 0, 6000));
        world.run(10);
        for (std::uint16_t i = 0; i < 250; ++i) {
            wire::RtpHeader header;
            header.payload_type = 111;
            header.ssrc = 77;
            header.sequence = i;
            header.timestamp = i * 960U;
            publisher.send(header, Bytes(60, 1), world.client_out[&publisher], "1");
            world.run(20);
            if (i != 60) continue;  // of both subscribers the worse one counts
            for (const auto& [client, ssrc, fraction] :
                 {std::tuple{&near, 5000U, 20}, std::tuple{&far, 6000U, 51}}) {
                wire::ReportBlock block;
                block.ssrc = ssrc;
                block.fraction_lost = static_cast<std::uint8_t>(fraction);
                Bytes compound(100);
                ByteWriter out(compound);
                REQUIRE(wire::write_receiver_report(out, 1, std::span(&block, 1)));
                compound.resize(out.size());
                client->send_rtcp(compound, world.client_out[client]);
            }
        }
        std::vector<int> fractions;
        for (const auto& [ms, compound] : publisher.rtcp) {
            wire::RtcpReader reader(compound);
            while (const auto block = reader.next())
                if (const auto report = wire::parse_receiver_report(*block))
                    fractions.push_back(wire::ReportBlock(report->blocks[0]).fraction_lost);
        }
        REQUIRE(fractions.size() == 4);
        const int told = proxying ? 51 : 0;
        CHECK(fractions == std::vector<int>{0, told, 0, 0});  // once
    }
}

TEST_CASE("Shard: a dependency structure that is repeated is no news [IN-22][DES-44]") {
    World world(1);
    Client& publisher = world.add_client(0);
    world.run(300);
    AddReceiver receiver = vp8_receiver(publisher);
    receiver.extensions.dependency_descriptor = 6;
    world.command(0, receiver);
    for (std::uint16_t i = 0; i < 30; ++i) {
        // A key frame of an L1T3 stream with its structure, as recorded.
        Bytes descriptor{0x80, 0x00, 0x01, 0x80, 0x02, 0x04, 0x4E, 0xAA, 0xAF, 0x28, 0x60, 0x41,
                         0x4D, 0x34, 0x53, 0x8A, 0x09, 0x40, 0x40, 0x9F, 0xC0, 0x59, 0xC0};
        store_be16(&descriptor[1], i);
        Bytes packet(1500);
        ByteWriter writer(packet);
        wire::ExtensionWriter extensions;
        extensions.add(4, as_bytes("0"));
        extensions.add(6, descriptor);
        wire::RtpHeader header;
        header.payload_type = 96;
        header.ssrc = 0xAA;
        header.sequence = i;
        header.timestamp = i * 3000U;
        header.marker = true;
        header.has_extension = true;
        wire::write_rtp_header(writer, header);
        extensions.write(writer);
        const Bytes payload = vp8_payload(true, 1);
        writer.bytes(payload);
        packet.resize(writer.size());
        publisher.send_packet(packet, world.client_out[&publisher]);
        world.run(33);
    }
    CHECK(world.shards[0]->snapshot().rtp_in == 30);
    CHECK(world.events_of<LayerStarted>().size() == 1);
}

TEST_CASE("Shard: a request for a layer that sends nothing asks another one [IN-53] [IN-08]") {
    World world(1);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    AddReceiver receiver = vp8_receiver(publisher);
    receiver.extensions.rid = 5;
    receiver.layers = {{"q", 0, {}, {}, 320, 180}, {"h", 1, {}, {}, 640, 360}};
    world.command(0, receiver);
    const auto send = [&](std::uint16_t sequence) {
        wire::RtpHeader header;
        header.payload_type = 96;
        header.ssrc = 0xAA;
        header.sequence = sequence;
        header.timestamp = sequence * 3000U;
        header.marker = true;
        publisher.send(header, vp8_payload(false, 1), world.client_out[&publisher], "0", "h");
        world.run(33);
    };
    for (std::uint16_t i = 0; i < 10; ++i)
        send(i);
    // LOW is asked for, of which nothing ever came.
    AddDownTrack add = down_track_to(subscriber, receiver, 0, 5000);
    add.settings.max_spatial = 0;
    world.command(0, add);
    send(10);
    std::vector<std::uint32_t> asked;
    for (const auto& [ms, compound] : publisher.rtcp) {
        wire::RtcpReader reader(compound);
        while (const auto block = reader.next())
            if (const auto pli = wire::parse_pli(*block)) asked.push_back(pli->media_ssrc);
    }
    CHECK(asked == std::vector<std::uint32_t>{0xAA});
}

TEST_CASE("Shard: a key frame that comes meanwhile settles a request that waits [IN-08]") {
    World world(1);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    const AddReceiver receiver = vp8_receiver(publisher);
    world.command(0, receiver);
    world.command(0, down_track_to(subscriber, receiver, 0, 5000));
    std::uint16_t sequence = 100;
    std::int64_t frame = 0;
    publish_video(world, publisher, 1000, sequence, frame);
    const auto plis = [&] {
        std::size_t count = 0;
        for (const auto& [ms, compound] : publisher.rtcp) {
            wire::RtcpReader reader(compound);
            while (const auto block = reader.next())
                count += wire::parse_pli(*block).has_value() ? 1U : 0U;
        }
        return count;
    };
    const auto ask = [&] {
        Bytes compound(12);
        ByteWriter out(compound);
        REQUIRE(wire::write_pli(out, {1, 5000}));
        subscriber.send_rtcp(compound, world.client_out[&subscriber]);
        world.run(5);
    };
    const std::size_t before = plis();
    ask();
    CHECK(plis() == before + 1);
    ask();      // throttled
    frame = 0;  // a key frame
    publish_video(world, publisher, world.now_ms + 1500, sequence, frame);
    CHECK(plis() == before + 1);
}

TEST_CASE("Shard: transport-cc tells about audio, video, RTX, padding and strangers [IN-51]") {
    World world(1);
    Client& publisher = world.add_client(0);
    world.run(300);
    AddReceiver video = vp8_receiver(publisher);
    video.extensions.transport_cc = 6;
    AddReceiver audio = opus_receiver(publisher);
    audio.extensions.transport_cc = 6;
    world.command(0, video);
    world.command(0, audio);
    std::map<std::uint32_t, std::uint16_t> next;
    std::uint16_t number = 0;
    const auto send = [&](std::uint8_t pt, std::uint32_t ssrc, std::string_view mid, BytesView body,
                          std::uint8_t padding) {
        Bytes packet(1500);
        ByteWriter out(packet);
        wire::RtpHeader header;
        header.payload_type = pt;
        header.ssrc = ssrc;
        header.sequence = next[ssrc]++;
        header.padding_size = padding;
        wire::ExtensionWriter extensions;
        extensions.add(4, as_bytes(mid));
        Bytes value(2);
        store_be16(value.data(), number++);
        extensions.add(6, value);
        header.has_extension = true;
        wire::write_rtp_header(out, header);
        extensions.write(out);
        out.bytes(body);
        if (padding > 0) wire::write_rtp_padding(out, padding);
        packet.resize(out.size());
        publisher.send_packet(packet, world.client_out[&publisher]);
        world.run(2);
    };
    for (int i = 0; i < 50; ++i) {
        send(96, 0xAA, "0", vp8_payload(i == 0, 1, 200), 0);
        send(111, 0xBB, "1", Bytes(40, 1), 0);
        send(97, 0xCC, "0", Bytes{0, 0, 0x10, 0x01}, 0);
        send(97, 0xCC, "0", {}, 255);
        send(96, 0xDD, "9", vp8_payload(true, 1, 200), 0);  // of no section
    }
    std::multiset<std::uint16_t> told;
    for (const auto& [ms, compound] : publisher.rtcp) {
        wire::RtcpReader reader(compound);
        while (const auto block = reader.next())
            if (const auto feedback = wire::parse_transport_feedback(*block))
                for (std::uint16_t i = 0; i < feedback->status_count; ++i)
                    told.insert(static_cast<std::uint16_t>(feedback->base_sequence + i));
    }
    REQUIRE(told.size() > 180);
    for (std::uint16_t i = 0; i < told.size(); ++i)
        CHECK(told.count(i) == 1);
}

TEST_CASE("Shard: the SSRC of retransmissions is reported when it is known [SDP-28]") {
    World world(1);
    Client& publisher = world.add_client(0);
    world.run(300);
    AddReceiver receiver = vp8_receiver(publisher);
    world.command(0, receiver);
    const auto send = [&](std::uint8_t pt, std::uint32_t ssrc, BytesView body) {
        wire::RtpHeader header;
        header.payload_type = pt;
        header.ssrc = ssrc;
        header.sequence = static_cast<std::uint16_t>(world.now_ms);
        publisher.send(header, body, world.client_out[&publisher], "0");
        world.run(2);
    };
    send(96, 0xAA, vp8_payload(true, 1));
    send(97, 0xCC, Bytes{0, 0, 0x10, 0x01});
    send(97, 0xCC, Bytes{0, 0, 0x10, 0x01});
    const auto started = world.events_of<LayerStarted>();
    REQUIRE(started.size() == 2);
    CHECK(started[0].ssrc == Ssrc(0xAA));
    CHECK(started[0].rtx_ssrc == Ssrc());
    CHECK(started[1].ssrc == Ssrc(0xAA));
    CHECK(started[1].rtx_ssrc == Ssrc(0xCC));
}

TEST_CASE("Shard: all blank frames of an ended track leave, the last one too [FWD-15]") {
    World world(1);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    const AddReceiver receiver = vp8_receiver(publisher);
    world.command(0, receiver);
    world.command(0, down_track_to(subscriber, receiver, 0, 5000));
    std::uint16_t sequence = 100;
    std::int64_t frame = 0;
    publish_video(world, publisher, 1000, sequence, frame);
    const std::size_t before = subscriber.rtp.size();
    world.command(0, RemoveReceiver{receiver.receiver});
    world.command(0, RemoveDownTrack{DownTrackId(5000), true});
    world.run(500);
    CHECK(subscriber.rtp.size() == before + 6);
    CHECK(world.shards[0]->snapshot().down_tracks == 0);
}

TEST_CASE(
    "Shard: PLI of a subscriber reaches the publisher, merged, across shards [IN-08][FWD-13]") {
    World world(2);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(1);
    world.run(300);
    const AddReceiver receiver = vp8_receiver(publisher);
    world.command(0, receiver);
    world.command(1, down_track_to(subscriber, receiver, 0, 5000));
    world.run(10);
    std::uint16_t sequence = 100;
    std::int64_t frame = 0;
    publish_video(world, publisher, 1500, sequence, frame);
    const auto plis = [&] {
        int count = 0;
        for (const auto& [ms, compound] : publisher.rtcp) {
            wire::RtcpReader reader(compound);
            while (const auto block = reader.next())
                if (const auto pli = wire::parse_pli(*block)) {
                    CHECK(pli->media_ssrc == 0xABCD);
                    ++count;
                }
        }
        return count;
    };
    const int before = plis();
    for (int i = 0; i < 10; ++i) {
        Bytes compound(12);
        ByteWriter out(compound);
        REQUIRE(wire::write_pli(out, {1, 5000}));
        subscriber.send_rtcp(compound, world.client_out[&subscriber]);
        publish_video(world, publisher, world.now_ms + 30, sequence, frame);
    }
    publish_video(world, publisher, world.now_ms + 700, sequence, frame);
    CHECK(plis() > before);
    CHECK(plis() <= before + 2);
}

TEST_CASE("Shard: sender reports reach the subscriber with its own time line [FWD-10]") {
    World world(2);
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(1);
    world.run(300);
    const AddReceiver receiver = vp8_receiver(publisher);
    world.command(0, receiver);
    world.command(1, down_track_to(subscriber, receiver, 0, 5000));
    world.run(10);
    std::uint16_t sequence = 100;
    std::int64_t frame = 0;
    publish_video(world, publisher, 1000, sequence, frame);
    wire::SenderReport report;
    report.ssrc = 0xABCD;
    report.ntp = NtpTime::from_unix(UnixTime::seconds(1'600'000'000));
    report.rtp_time = static_cast<std::uint32_t>(frame * 3000);
    Bytes compound(28);
    ByteWriter out(compound);
    REQUIRE(wire::write_sender_report(out, report));
    publisher.send_rtcp(compound, world.client_out[&publisher]);
    publish_video(world, publisher, 8000, sequence, frame);
    int reports = 0;
    for (const auto& [ms, one] : subscriber.rtcp) {
        wire::RtcpReader reader(one);
        while (const auto block = reader.next())
            if (const auto sr = wire::parse_sender_report(*block)) {
                ++reports;
                CHECK(sr->ssrc == 5000);
                // The publisher's clock, moved on by the time since.
                CHECK(sr->ntp > report.ntp);
                CHECK((sr->ntp - report.ntp) < Duration::seconds(8));
            }
    }
    CHECK(reports >= 2);
    CHECK(reports <= 3);
}

TEST_CASE(
    "Shard: data goes through, to a peer without channels it is dropped and counted [DC-02]") {
    World world(1);
    Client& client = world.add_client(0, true);
    Client& mute = world.add_client(0, false);
    world.add_member(client, "client");
    DataMember without = world.add_member(mute, "mute");
    without.expects_channels = false;
    world.command(0, without);
    world.run(800);
    REQUIRE(client.channels.contains("_reliable"));
    CHECK(client.channels.at("_reliable") == 1);
    CHECK(client.channels.at("_lossy") == 3);
    CHECK(client.channels.at("_data_track") == 5);
    CHECK(world.events_of<DataChannelOpened>().size() == 3);
    SendData send;
    send.room = RoomId(1);
    send.payload = to_vector(as_bytes("hi"));
    world.command(0, send);
    world.run(50);
    CHECK(client.messages == std::vector<std::string>{"hi"});
    CHECK(world.shards[0]->snapshot().data_dropped == 1);
}

TEST_CASE("Shard: a loud microphone is reported each interval, silence once [IN-30][IN-31]") {
    World world(1);
    Client& publisher = world.add_client(0);
    world.run(300);
    AddReceiver audio = opus_receiver(publisher);
    audio.extensions.audio_level = 6;
    world.command(0, audio);
    for (std::uint16_t i = 0; i < 150; ++i) {
        Bytes packet(200);
        ByteWriter writer(packet);
        wire::RtpHeader header;
        header.payload_type = 111;
        header.ssrc = 77;
        header.sequence = i;
        header.timestamp = i * 960U;
        header.has_extension = true;
        wire::write_rtp_header(writer, header);
        wire::ExtensionWriter extensions;
        extensions.add(4, as_bytes("1"));
        extensions.add_audio_level(6, {true, std::uint8_t(i < 100 ? 12 : 127)});
        extensions.write(writer);
        const Bytes payload(60, 1);
        const std::size_t size =
            publisher.transport->srtp_sender()->protect_rtp(packet, writer.size(), payload, i);
        packet.resize(size);
        world.client_out[&publisher].emplace_back(publisher.transport->path()->remote, packet);
        world.run(20);
    }
    const auto levels = world.events_of<SpeakerLevels>();
    REQUIRE(levels.size() >= 4);
    CHECK(levels.front().levels.size() == 1);
    CHECK(levels.front().levels[0].active);
    REQUIRE(levels.back().levels.size() == 1);
    CHECK(levels.back().levels[0].receiver == audio.receiver);
    CHECK_FALSE(levels.back().levels[0].active);
}

TEST_CASE("Shard: a datagram for another shard names its owner and nothing else [DES-03]") {
    World world(2);
    Client& client = world.add_client(1);
    // The client asks at the socket of shard 0.
    client.transport->add_remote_candidate(world_time(0),
                                           {ice::Protocol::kUdp, World::shard_address(0)});
    world.run(50);
    CHECK(world.foreign > 0);
    ice::Path path;
    path.local = World::shard_address(0);
    path.remote = client.address;
    CHECK(world.shards[0]->routes().foreign_owner(path) == WorkerIndex(1));
}

TEST_CASE("Shard: nothing is left when all peers have gone [IMM-15]") {
    World world(2);
    Client& publisher = world.add_client(0, true);
    Client& subscriber = world.add_client(1, true);
    world.run(300);
    const AddReceiver receiver = vp8_receiver(publisher);
    world.command(0, receiver);
    world.command(1, down_track_to(subscriber, receiver, 0, 5000));
    world.run(10);
    std::uint16_t sequence = 100;
    std::int64_t frame = 0;
    publish_video(world, publisher, 1000, sequence, frame);
    CHECK(world.shards[1]->snapshot().packets_in_use > 0);
    world.command(1, ClosePeer{subscriber.id});
    world.command(0, ClosePeer{publisher.id});
    world.run(10);
    for (const auto& shard : world.shards) {
        const ShardSnapshot s = shard->snapshot();
        CHECK(s.peers == 0);
        CHECK(s.receivers == 0);
        CHECK(s.tracks == 0);
        CHECK(s.down_tracks == 0);
        CHECK(s.packets_in_use == 0);
    }
}

TEST_CASE("Shard: junk on every path is counted and harms nobody [IMM-7][ICE-02]") {
    World world(1);
    Client& client = world.add_client(0);
    world.run(300);
    Rng rng(9);
    for (int i = 0; i < 20'000; ++i) {
        PacketRef packet = world.shards[0]->pool().acquire_large();
        packet.set_size(rng.below(200));
        rng.fill(packet.data());
        ice::Path path;
        path.local = World::shard_address(0);
        path.remote =
            i % 2 == 0 ? client.address : SocketAddress{IpAddress::v4(rng.u32()), rng.u16()};
        (void)world.shards[0]->handle_datagram(world_time(world.now_ms), path, std::move(packet));
    }
    CHECK(world.shards[0]->snapshot().unknown_datagrams > 5000);
    world.run(100);
    CHECK(client.transport->connected());
}

}  // namespace
}  // namespace confab::sfu
