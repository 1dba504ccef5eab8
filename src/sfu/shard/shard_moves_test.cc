// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Participants that go on at another worker, or in another process, in the middle of a call (02
// MC-20, FWD-18): their clients notice nothing, nor does anybody else in the room.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "sfu/shard/shard_data_testing.h"

namespace confab::sfu {
namespace {

using test::Client;
using test::down_track_to;
using test::opus_receiver;
using test::publish_video;
using test::ReceivedRtp;
using test::vp8_receiver;
using test::World;
using test::world_time;

// Workers behind one port, which the kernel gives to the first of them.
struct Cluster : World {
    explicit Cluster(std::size_t workers) : World(workers, {}, 1, {}, true) { entrance = 0; }

    CreatePeer made(const Client& client) const {
        CreatePeer create;
        create.peer = client.id;
        create.local = {"unused", "unused_password_1234567890"};
        return create;
    }
    PeerExported export_peer(const Client& client, std::optional<WorkerIndex> to) {
        const std::size_t before = events_of<PeerExported>().size();
        command(client.shard, ExportPeer{client.id, to, {}});
        // Its data waits for answers of the other workers.
        for (int ms = 0; ms < 10 && events_of<PeerExported>().size() == before; ++ms)
            run(1);
        const auto exported = events_of<PeerExported>();
        REQUIRE(exported.size() == before + 1);
        REQUIRE(exported.back().peer == client.id);
        return exported.back();
    }
    bool import_peer(Client& client, std::size_t shard, ImportPeer import) {
        import.create = made(client);
        command(shard, std::move(import));
        while (auto event = shards[shard]->poll_event())
            events.push_back(std::move(*event));
        const auto imported = events_of<PeerImported>();
        REQUIRE_FALSE(imported.empty());
        client.shard = shard;
        return imported.back().taken;
    }
    void move(Client& client, std::size_t to, std::vector<AddReceiver> receivers,
              std::vector<AddDownTrack> down_tracks) {
        const PeerExported exported = export_peer(client, static_cast<WorkerIndex>(to));
        REQUIRE(exported.state);
        ImportPeer import;
        import.receivers = std::move(receivers);
        import.down_tracks = std::move(down_tracks);
        import.state = exported.state;
        import.exported = exported.at;
        REQUIRE(import_peer(client, to, std::move(import)));
        run(1);  // its subscriptions reach the homes of the tracks
    }
};

// Each number behind the one before, each frame a frame later, no number twice. How many packets.
std::size_t check_continuous(const Client& client, std::uint32_t ssrc, std::uint32_t ticks) {
    std::set<std::uint16_t> numbers;
    const ReceivedRtp* before = nullptr;
    std::size_t count = 0;
    for (const ReceivedRtp& packet : client.rtp) {
        if (packet.ssrc != ssrc) continue;
        CHECK(numbers.insert(packet.sequence).second);
        if (before != nullptr) {
            CHECK(static_cast<std::uint16_t>(before->sequence + 1) == packet.sequence);
            CHECK(packet.timestamp - before->timestamp == (before->marker ? ticks : 0U));
        }
        before = &packet;
        ++count;
    }
    return count;
}

int plis_to(const Client& publisher, std::size_t from) {
    int plis = 0;
    for (std::size_t i = from; i < publisher.rtcp.size(); ++i) {
        wire::RtcpReader reader(publisher.rtcp[i].compound);
        while (const auto block = reader.next())
            if (wire::parse_pli(*block)) ++plis;
    }
    return plis;
}

// One sends video, two watch: the first of them moves about.
struct Call {
    explicit Call(std::size_t workers, std::size_t publisher_at, std::size_t moves_at,
                  std::uint8_t numbered = 0)
        : world(workers),
          publisher(world.add_client(publisher_at)),
          moves(world.add_client(moves_at, true)),
          stays(world.add_client(workers - 1)) {
        world.run(300);
        receiver = vp8_receiver(publisher);
        receiver.extensions.transport_cc = 7;
        world.command(publisher_at, receiver);
        to_moves = down_track_to(moves, receiver, static_cast<WorkerIndex>(publisher_at), 5000);
        to_moves.extensions.transport_cc = numbered;
        to_stays = down_track_to(stays, receiver, static_cast<WorkerIndex>(publisher_at), 6000);
        world.command(moves.shard, to_moves);
        world.command(stays.shard, to_stays);
        world.run(10);
    }
    void publish(std::int64_t ms) {
        wire::SenderReport report;
        report.ssrc = 0xABCD;
        report.ntp = NtpTime(std::uint64_t{1} << 32) + Duration::millis(world.now_ms);
        report.rtp_time = static_cast<std::uint32_t>(frame * 3000);
        Bytes compound(100);
        ByteWriter out(compound);
        REQUIRE(wire::write_sender_report(out, report));
        compound.resize(out.size());
        if (frame > 0) publisher.send_rtcp(compound, world.client_out[&publisher]);
        publish_video(world, publisher, world.now_ms + ms, sequence, frame);
    }
    std::size_t packets() const { return static_cast<std::size_t>(frame) * 3; }

    Cluster world;
    Client& publisher;
    Client& moves;
    Client& stays;
    AddReceiver receiver;
    AddDownTrack to_moves;
    AddDownTrack to_stays;
    std::uint16_t sequence = 65'300;
    std::int64_t frame = 0;
};

}  // namespace

TEST_CASE(
    "Shard: a subscriber goes on at another worker, its client notices nothing "
    "[MC-20] [FWD-18] [TRAP-14] [outside]") {
    // From the home of the track, to it, and between two others.
    for (const auto& [home, from, to] :
         {std::array<std::size_t, 3>{0, 0, 1}, std::array<std::size_t, 3>{0, 1, 0},
          std::array<std::size_t, 3>{0, 1, 2}}) {
        CAPTURE(home);
        CAPTURE(from);
        CAPTURE(to);
        Call call(3, home, from);
        World& world = call.world;
        call.publish(2000);
        const std::size_t rtcp_before = call.publisher.rtcp.size();
        const std::size_t states = world.events_of<PeerStateChanged>().size();
        const std::size_t before = call.moves.rtp.size();
        REQUIRE(before > 100);
        call.world.move(call.moves, to, {}, {call.to_moves});
        call.publish(2000);
        call.world.move(call.moves, from, {}, {call.to_moves});
        call.publish(2000);
        CHECK(call.moves.rtp.size() > 2 * before);
        CHECK(check_continuous(call.moves, 5000, 3000) + 3 >= call.packets());
        CHECK(check_continuous(call.stays, 6000, 3000) + 3 >= call.packets());
        // Nobody asked for a key frame, nothing was lost, and nobody was told of a new connection.
        CHECK(plis_to(call.publisher, rtcp_before) == 0);
        CHECK(world.events_of<PeerStateChanged>().size() == states);
        // Its reports go on, too.
        REQUIRE_FALSE(call.moves.rtcp.empty());
        CHECK(call.moves.rtcp.back().ms > world.now_ms - 3500);
        CHECK(call.moves.transport->state() == peer::TransportState::kConnected);
    }
}

TEST_CASE(
    "Shard: a publisher goes on at another worker, its subscribers notice nothing "
    "[MC-20] [FWD-18] [TRAP-14] [outside]") {
    for (const auto& [home, to, watcher] :
         {std::array<std::size_t, 3>{0, 1, 0}, std::array<std::size_t, 3>{0, 1, 1},
          std::array<std::size_t, 3>{1, 0, 2}}) {
        CAPTURE(home);
        CAPTURE(to);
        CAPTURE(watcher);
        Call call(3, home, watcher);
        World& world = call.world;
        call.publish(2000);
        const std::size_t rtcp_before = call.publisher.rtcp.size();
        const std::size_t started = world.events_of<LayerStarted>().size();
        call.world.move(call.publisher, to, {call.receiver}, {});
        call.publish(2000);
        call.world.move(call.publisher, home, {call.receiver}, {});
        call.publish(2000);
        CHECK(check_continuous(call.moves, 5000, 3000) + 3 >= call.packets());
        CHECK(check_continuous(call.stays, 6000, 3000) + 3 >= call.packets());
        CHECK(plis_to(call.publisher, rtcp_before) == 0);
        CHECK(world.events_of<LayerStarted>().size() == started);
        // It is reported to as before: nothing was lost.
        std::uint32_t reported_to = 0;
        for (std::size_t i = rtcp_before; i < call.publisher.rtcp.size(); ++i) {
            wire::RtcpReader reader(call.publisher.rtcp[i].compound);
            while (const auto block = reader.next()) {
                const auto report = wire::parse_receiver_report(*block);
                if (!report) continue;
                const wire::ReportBlock one = report->blocks[0];
                CHECK(one.cumulative_lost == 0);
                reported_to = std::max(reported_to, one.highest_sequence);
            }
        }
        CHECK(reported_to > 65'300 + 450);
        // A key frame that is asked for now reaches it where it is.
        Bytes compound(100);
        ByteWriter out(compound);
        REQUIRE(wire::write_pli(out, {1, 5000}));
        compound.resize(out.size());
        call.moves.send_rtcp(compound, world.client_out[&call.moves]);
        const std::size_t asked_at = call.publisher.rtcp.size();
        world.run(50);
        CHECK(plis_to(call.publisher, asked_at) == 1);
    }
}

namespace {

// As control does it: the new worker is told first, and nothing is done at once.
void move_slowly(Call& call, Client& client, std::size_t to, std::vector<AddReceiver> receivers,
                 const std::vector<AddDownTrack>& down_tracks) {
    Cluster& world = call.world;
    const std::size_t from = client.shard;
    AwaitPeer await{client.id, {}};
    for (const AddDownTrack& one : down_tracks)
        await.tracks.push_back({one.down_track, one.receiver, one.home, one.kind, 2});
    const std::size_t awaited = world.events_of<PeerAwaited>().size();
    world.command(to, await);
    call.publish(40);
    REQUIRE(world.events_of<PeerAwaited>().size() == awaited + 1);
    const PeerExported exported = world.export_peer(client, static_cast<WorkerIndex>(to));
    REQUIRE(exported.state);
    call.publish(150);
    ImportPeer import;
    import.receivers = std::move(receivers);
    import.down_tracks = down_tracks;
    import.state = exported.state;
    import.exported = exported.at;
    REQUIRE(world.import_peer(client, to, std::move(import)));
    CHECK(world.shards[from]->snapshot().packets_in_use < 600);
    world.run(2);
}

int nacks_to(const Client& client) {
    int nacks = 0;
    for (const test::ReceivedRtcp& packet : client.rtcp) {
        wire::RtcpReader reader(packet.compound);
        while (const auto block = reader.next())
            if (wire::parse_nack(*block)) ++nacks;
    }
    return nacks;
}

}  // namespace

TEST_CASE(
    "Shard: not one packet is missing of what came while a subscriber was between two workers "
    "[MC-20] [FWD-18] [TRAP-14] [outside]") {
    for (const auto& [home, from, to] :
         {std::array<std::size_t, 3>{0, 0, 1}, std::array<std::size_t, 3>{0, 1, 0},
          std::array<std::size_t, 3>{0, 1, 2}, std::array<std::size_t, 3>{2, 0, 1}}) {
        CAPTURE(home);
        CAPTURE(from);
        CAPTURE(to);
        Call call(3, home, from);
        call.publish(2000);
        const std::size_t rtcp_before = call.publisher.rtcp.size();
        for (int i = 0; i < 5; ++i) {
            move_slowly(call, call.moves, i % 2 == 0 ? to : from, {}, {call.to_moves});
            call.publish(100);
        }
        CHECK(check_continuous(call.moves, 5000, 3000) == call.packets());
        CHECK(check_continuous(call.stays, 6000, 3000) == call.packets());
        CHECK(plis_to(call.publisher, rtcp_before) == 0);
        // Where nobody is, nothing is kept and nothing crosses.
        for (const auto& shard : call.world.shards)
            CHECK(shard->snapshot().tracks <= 1);
    }
}

TEST_CASE(
    "Shard: not one packet is missing of what came while a publisher was between two workers "
    "[MC-20] [FWD-18] [TRAP-14] [outside]") {
    for (const auto& [home, to, watcher] :
         {std::array<std::size_t, 3>{0, 1, 0}, std::array<std::size_t, 3>{0, 1, 1},
          std::array<std::size_t, 3>{1, 0, 2}, std::array<std::size_t, 3>{2, 1, 0}}) {
        CAPTURE(home);
        CAPTURE(to);
        CAPTURE(watcher);
        Call call(3, home, watcher);
        call.publish(2000);
        const std::size_t rtcp_before = call.publisher.rtcp.size();
        for (int i = 0; i < 5; ++i) {
            move_slowly(call, call.publisher, i % 2 == 0 ? to : home, {call.receiver}, {});
            call.publish(100);
        }
        CHECK(check_continuous(call.moves, 5000, 3000) == call.packets());
        CHECK(check_continuous(call.stays, 6000, 3000) == call.packets());
        CHECK(plis_to(call.publisher, rtcp_before) == 0);
        CHECK(nacks_to(call.publisher) == 0);
    }
}

TEST_CASE("Shard: a new port that was only asked when its client moved is heard [MC-03] [MC-20]") {
    const auto is_request = [](BytesView datagram) {
        return wire::StunMessage::parse(datagram)->message_class() == wire::StunClass::kRequest;
    };
    const auto is_stun = [](BytesView datagram) {
        return wire::classify(datagram) == wire::PacketKind::kStun;
    };
    Call call(3, 1, 2);
    World& world = call.world;
    call.publish(2000);
    // A NAT rebinds it: its media lead to its worker, which asks; the answer is on its way.
    call.publisher.address.port = 9900;
    world.drop_to_shards = is_stun;
    call.publish(100);
    const std::size_t before = call.stays.rtp.size();
    call.world.move(call.publisher, 2, {call.receiver}, {});
    // None of its own checks comes.
    world.drop_to_shards = [&](BytesView datagram) {
        return is_stun(datagram) && is_request(datagram);
    };
    world.run(1000);
    CHECK(call.stays.rtp.size() == before);
    call.publish(300);
    CHECK(call.stays.rtp.size() == before + 30);
}

TEST_CASE(
    "Shard: a new port that was only asked when its client moved and came back is heard "
    "[MC-03] [MC-20]") {
    const auto is_request = [](BytesView datagram) {
        return wire::StunMessage::parse(datagram)->message_class() == wire::StunClass::kRequest;
    };
    const auto is_stun = [](BytesView datagram) {
        return wire::classify(datagram) == wire::PacketKind::kStun;
    };
    Call call(3, 0, 2);  // where the kernel gives all datagrams
    World& world = call.world;
    call.publish(2000);
    call.publisher.address.port = 9900;
    world.drop_to_shards = is_stun;
    call.publish(100);
    const std::size_t before = call.stays.rtp.size();
    call.world.move(call.publisher, 1, {call.receiver}, {});
    call.world.move(call.publisher, 0, {call.receiver}, {});
    // None of its own checks comes.
    world.drop_to_shards = [&](BytesView datagram) {
        return is_stun(datagram) && is_request(datagram);
    };
    world.run(1000);
    CHECK(call.stays.rtp.size() == before);
    call.publish(300);
    CHECK(call.stays.rtp.size() == before + 30);
}

TEST_CASE("Shard: a client that returns to a port it had before it moved is heard [MC-03]") {
    for (const std::size_t to : {0U, 2U}) {
        CAPTURE(to);
        Call call(3, 1, 2);
        World& world = call.world;
        call.publish(2000);
        const std::uint16_t first = call.publisher.address.port;
        call.publisher.address.port = 9900;
        call.publish(6000);
        call.world.move(call.publisher, to, {call.receiver}, {});
        call.publish(500);
        const std::size_t before = call.stays.rtp.size();
        // None of its own checks comes.
        world.drop_to_shards = [](BytesView datagram) {
            return wire::classify(datagram) == wire::PacketKind::kStun &&
                   wire::StunMessage::parse(datagram)->message_class() == wire::StunClass::kRequest;
        };
        call.publisher.address.port = first;
        call.publish(1000);
        CHECK(call.stays.rtp.size() > before + 60);
    }
}

TEST_CASE("Shard: who fell silent while it moved is told to be silent [MC-20] [IN-31]") {
    for (const bool muted : {false, true}) {
        CAPTURE(muted);
        Cluster world(2);
        Client& publisher = world.add_client(0);
        world.run(300);
        AddReceiver audio = opus_receiver(publisher);
        audio.extensions.audio_level = 6;
        world.command(0, audio);
        const auto talk = [&](std::uint16_t from, std::uint16_t to, std::uint8_t level) {
            for (std::uint16_t i = from; i < to; ++i) {
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
                extensions.add_audio_level(6, {true, level});
                extensions.write(writer);
                const Bytes payload(60, 1);
                const std::size_t size = publisher.transport->srtp_sender()->protect_rtp(
                    packet, writer.size(), payload, i);
                packet.resize(size);
                world.client_out[&publisher].emplace_back(publisher.transport->path()->remote,
                                                          packet);
                world.run(20);
            }
        };
        talk(0, 100, 12);
        REQUIRE_FALSE(world.events_of<SpeakerLevels>().empty());
        // It speaks, as control was told last.
        while (!world.events_of<SpeakerLevels>().back().levels.front().active)
            talk(100, 101, 12);
        world.move(publisher, 1, {audio}, {});
        if (muted)
            world.command(1, MuteReceiver{audio.receiver, true});
        else
            talk(200, 400, 127);
        world.run(3000);
        const auto levels = world.events_of<SpeakerLevels>();
        CHECK_FALSE(levels.back().levels.front().active);
    }
}

// The publisher's worker has another subscriber where the first one goes, so that the news is there
// before it.
// So may its first packet be.
TEST_CASE("Shard: sound that is unmuted while its listener moves is heard by it [MC-20] [IN-21]") {
    for (const int meanwhile : {0, 1}) {
        CAPTURE(meanwhile);
        Cluster world(3);
        Client& publisher = world.add_client(0);
        Client& moves = world.add_client(1);
        Client& stays = world.add_client(2);
        world.run(300);
        const AddReceiver audio = opus_receiver(publisher);
        world.command(0, audio);
        const AddDownTrack to_moves = down_track_to(moves, audio, 0, 5000);
        world.command(1, to_moves);
        world.command(2, down_track_to(stays, audio, 0, 6000));
        world.run(10);
        std::uint16_t next = 0;
        const auto talk = [&](int count) {
            for (int i = 0; i < count; ++i) {
                wire::RtpHeader header;
                header.payload_type = 111;
                header.ssrc = 77;
                header.sequence = next++;
                header.timestamp = next * 960U;
                std::deque<std::pair<SocketAddress, Bytes>> out;
                publisher.send(header, Bytes(60, 1), out, "1");
                world.client_out[&publisher].push_back(std::move(out.front()));
                world.run(20);
            }
        };
        talk(10);
        REQUIRE(moves.rtp.size() == 10);
        world.command(0, MuteReceiver{audio.receiver, true});
        world.run(100);
        const PeerExported exported = world.export_peer(moves, WorkerIndex{2});
        world.command(0, MuteReceiver{audio.receiver, false});
        world.run(5);
        talk(meanwhile);
        ImportPeer import;
        import.down_tracks = {to_moves};
        import.state = exported.state;
        import.exported = exported.at;
        REQUIRE(world.import_peer(moves, 2, std::move(import)));
        world.run(1);
        moves.rtp.clear();
        talk(10);
        // Not the silence that a mute is followed by.
        CHECK(std::count_if(moves.rtp.begin(), moves.rtp.end(), [](const ReceivedRtp& packet) {
                  return packet.payload == Bytes(60, 1);
              }) == 10);
    }
}

// Control learned of it when it had described the receiver already.
TEST_CASE("Shard: a codec that showed as its publisher left is known where it goes [SIG-100]") {
    Cluster world(2);
    Client& publisher = world.add_client(0);
    Client& watches = world.add_client(1);
    world.run(300);
    const AddReceiver vp8 = vp8_receiver(publisher);
    AddReceiver receiver = vp8;
    receiver.any_codec = true;
    receiver.codecs.insert(receiver.codecs.begin(),
                           {Codec::kVp9, PayloadType(98), PayloadType(99), 90'000, true});
    world.command(0, receiver);
    world.command(1, down_track_to(watches, vp8, 0, 5000));
    world.run(10);
    std::uint16_t sequence = 100;
    std::int64_t frame = 0;
    publish_video(world, publisher, world.now_ms + 200, sequence, frame);
    REQUIRE(watches.rtp.size() > 15);
    world.move(publisher, 1, {receiver}, {});
    publish_video(world, publisher, world.now_ms + 1'000, sequence, frame);
    CHECK(check_continuous(watches, 5000, 3000) == static_cast<std::size_t>(frame) * 3);
}

TEST_CASE(
    "Shard: what a subscriber lost before it moved costs a key frame, not three seconds [MC-20] "
    "[FWD-11]") {
    Call call(3, 0, 1);
    call.publish(2000);
    const std::size_t before = call.publisher.rtcp.size();
    const std::uint16_t lost = call.moves.rtp.back().sequence;
    const auto ask = [&](std::uint16_t number) {
        Bytes compound(100);
        ByteWriter out(compound);
        const std::array<std::uint16_t, 1> list{number};
        REQUIRE(wire::write_nack(out, 1, 5000, list));
        compound.resize(out.size());
        call.moves.send_rtcp(compound, call.world.client_out[&call.moves]);
        call.world.run(100);
        return plis_to(call.publisher, before);
    };
    call.world.move(call.moves, 2, {}, {call.to_moves});
    // Never sent, or long ago: who asks for these is not helped by a key frame.
    CHECK(ask(static_cast<std::uint16_t>(lost + 500)) == 0);
    CHECK(ask(static_cast<std::uint16_t>(lost - 20'000)) == 0);
    CHECK(ask(lost) == 1);
}

TEST_CASE(
    "Shard: a publisher that went on in another codec as it left is seen in it [IN-09] [MC-20]") {
    Cluster world(2);
    Client& publisher = world.add_client(0);
    Client& watches = world.add_client(1);
    world.run(300);
    AddReceiver receiver = vp8_receiver(publisher);
    receiver.codecs.push_back({Codec::kH264, PayloadType(102), std::nullopt, 90'000, true});
    world.command(0, receiver);
    AddDownTrack down = down_track_to(watches, receiver, 0, 5000);
    down.codecs.push_back({Codec::kH264, PayloadType(108), std::nullopt, 90'000, true});
    world.command(1, down);
    world.run(10);
    std::uint16_t sequence = 10;
    const auto send = [&](int count) {
        const std::size_t before = watches.rtp.size();
        for (int i = 0; i < count; ++i) {
            wire::RtpHeader header;
            header.payload_type = 102;
            header.ssrc = 0x264;
            header.sequence = sequence++;
            header.timestamp = sequence * 1800U;
            header.marker = true;
            std::deque<std::pair<SocketAddress, Bytes>> out;
            publisher.send(header, Bytes{0x67, 0x42, 0, 0x1F, 1, 2}, out, "0");
            world.client_out[&publisher].push_back(std::move(out.front()));
            world.run(20);
        }
        return watches.rtp.size() - before;
    };
    (void)send(20);
    REQUIRE(send(5) == 5);
    const std::size_t told = world.events_of<LayerStarted>().size();
    world.move(publisher, 1, {receiver}, {});  // described as before
    CHECK(send(5) == 5);
    CHECK(world.events_of<LayerStarted>().size() == told);
}

TEST_CASE("Shard: what rings lost before a publisher moved is mended by a key frame [DES-41]") {
    Call call(3, 0, 1);
    call.publish(2000);
    const std::size_t before = call.publisher.rtcp.size();
    call.world.links.capacity = 0;
    call.publish(100);
    const PeerExported exported = call.world.export_peer(call.publisher, WorkerIndex{1});
    REQUIRE(exported.state);
    call.world.links.capacity = 100'000;
    REQUIRE(plis_to(call.publisher, before) == 0);
    ImportPeer import;
    import.receivers = {call.receiver};
    import.state = exported.state;
    import.exported = exported.at;
    REQUIRE(call.world.import_peer(call.publisher, 1, std::move(import)));
    call.world.run(50);
    call.publish(200);
    CHECK(plis_to(call.publisher, before) >= 1);
}

TEST_CASE("Shard: a gap in sound that its publisher takes along is waited for by nobody [DES-41]") {
    Cluster world(3);
    Client& speaker = world.add_client(0);
    Client& hears = world.add_client(2);
    world.run(300);
    const AddReceiver receiver = opus_receiver(speaker);
    world.command(0, receiver);
    world.command(2, down_track_to(hears, receiver, 0, 5000));
    world.run(10);
    std::uint16_t sequence = 10;
    const auto speak = [&](int packets) {
        for (int i = 0; i < packets; ++i) {
            wire::RtpHeader header;
            header.payload_type = 111;
            header.ssrc = 0xABCE;
            header.sequence = sequence++;
            header.timestamp = sequence * 960U;
            speaker.send(header, Bytes(60, 1), world.client_out[&speaker], "1");
            world.run(20);
        }
    };
    speak(50);
    REQUIRE_FALSE(hears.rtp.empty());
    world.links.capacity = 0;
    speak(2);
    const PeerExported exported = world.export_peer(speaker, WorkerIndex{1});
    REQUIRE(exported.state);
    world.links.capacity = 100'000;
    ImportPeer import;
    import.receivers = {receiver};
    import.state = exported.state;
    import.exported = exported.at;
    REQUIRE(world.import_peer(speaker, 1, std::move(import)));
    speak(50);
    // Its worker sleeps: nothing is due that was due already.
    CHECK(world.shards[1]->next_deadline() > world_time(world.now_ms - 1));
}

TEST_CASE("Shard: who asked an old home that was to be the home again, but is not [MC-20]") {
    Call call(4, 0, 1);
    call.publish(200);
    World& world = call.world;
    call.world.move(call.publisher, 1, {call.receiver}, {});
    call.publish(200);
    // It is about to go back, and one who was told of its old home asks there.
    world.command(0, AwaitPeer{call.publisher.id, {}});
    Client& late = world.add_client(2);
    world.run(300);
    world.command(2, down_track_to(late, call.receiver, 0, 7000));
    world.run(5);
    // It stays after all.
    world.command(0, EndAwait{call.publisher.id, {}, 0, {}});
    world.run(5);
    const std::size_t before = late.rtp.size();
    call.frame = 0;  // a key frame
    call.publish(1000);
    CHECK(late.rtp.size() > before + 50);
}

TEST_CASE("Shard: a publisher moves before others hear of it, and they miss nothing [MC-20]") {
    Call call(3, 0, 1);
    World& world = call.world;
    call.publish(300);
    world.command(0, ExportPeer{call.publisher.id, WorkerIndex{1}, {}});
    world.flush_shard(0);
    const PeerExported exported = world.events_of<PeerExported>().back();
    REQUIRE(exported.state);
    ImportPeer import;
    import.receivers = {call.receiver};
    import.state = exported.state;
    import.exported = exported.at;
    REQUIRE(call.world.import_peer(call.publisher, 1, std::move(import)));
    // Worker 2 hears of it after the first packets.
    call.publish(300);
    CHECK(check_continuous(call.moves, 5000, 3000) == call.packets());
    CHECK(check_continuous(call.stays, 6000, 3000) == call.packets());
}

TEST_CASE("Shard: what was measured before a move counts once [MC-20] [OBS-01]") {
    Call call(2, 0, 0);
    World& world = call.world;
    call.publish(1000);
    call.sequence = static_cast<std::uint16_t>(call.sequence + 5);  // these never come
    call.publish(1000);
    const auto lost = [&](Direction direction) {
        std::uint64_t sum = 0;
        for (const auto& shard : world.shards)
            for (std::size_t source = 0; source < kMediaSources; ++source)
                sum += shard->figures()
                           .of(direction, MediaKind::kVideo, static_cast<MediaSource>(source))
                           .lost;
        return sum;
    };
    wire::ReportBlock block;
    block.ssrc = 5000;
    block.cumulative_lost = 5 + 3;  // what did not come could not be sent
    block.highest_sequence = call.moves.rtp.back().sequence;
    Bytes compound(100);
    ByteWriter out(compound);
    REQUIRE(wire::write_receiver_report(out, 77, {&block, 1}));
    compound.resize(out.size());
    call.moves.send_rtcp(compound, world.client_out[&call.moves]);
    world.run(5);
    REQUIRE(lost(Direction::kIncoming) + lost(Direction::kOutgoing) == 0);
    call.world.move(call.moves, 1, {}, {call.to_moves});
    call.world.move(call.publisher, 1, {call.receiver}, {});
    call.publish(7000);
    CHECK(lost(Direction::kIncoming) == 5);
    CHECK(lost(Direction::kOutgoing) == 3);
}

TEST_CASE("Shard: who asks the old home of a track is sent to the new one [MC-20]") {
    Call call(4, 0, 1);  // the third knows nothing of the track yet
    call.publish(200);
    call.world.move(call.publisher, 1, {call.receiver}, {});
    // Control did not know it yet.
    Client& late = call.world.add_client(2);
    call.world.run(300);
    AddDownTrack to_late = down_track_to(late, call.receiver, 0, 7000);
    call.world.command(2, to_late);
    call.world.run(10);
    call.frame = 0;  // a key frame
    call.publish(300);
    CHECK(late.rtp.size() > 10);
}

TEST_CASE(
    "Shard: a publisher that was about to come back and does not is found where it is [MC-20]") {
    Call call(4, 0, 1);
    call.publish(200);
    call.world.move(call.publisher, 1, {call.receiver}, {});
    call.world.command(0, AwaitPeer{call.publisher.id, {}});
    call.world.command(0, EndAwait{call.publisher.id, {}, 0, {}});
    Client& late = call.world.add_client(2);
    call.world.run(300);
    call.world.command(2, down_track_to(late, call.receiver, 0, 7000));
    call.world.run(10);
    call.frame = 0;  // a key frame
    call.publish(300);
    CHECK(late.rtp.size() > 10);
}

// Counted as one of another worker, where it never was, until that is refused.
TEST_CASE("Shard: who subscribes to a publisher that was about to move and stays gets it [MC-20]") {
    Call call(4, 0, 1);
    Cluster& world = call.world;
    call.publish(200);
    Client& late = world.add_client(2);
    Client& beside = world.add_client(1);
    Client& later = world.add_client(3);
    world.command(3, RemoveDownTrack{call.to_stays.down_track, false});
    world.command(1, RemoveDownTrack{call.to_moves.down_track, false});
    world.run(300);
    world.command(1, AwaitPeer{call.publisher.id, {}});
    world.command(2, down_track_to(late, call.receiver, 1, 7000));
    world.command(1, down_track_to(beside, call.receiver, 1, 8000));
    world.run(10);
    world.command(1, EndAwait{call.publisher.id, {}, 0, {call.receiver.receiver}});
    // What was said of it before may come behind that.
    world.command(3, down_track_to(later, call.receiver, 1, 9000));
    world.run(10);
    call.frame = 0;  // a key frame
    call.publish(300);
    for (const Client* client : {&late, &beside, &later})
        CHECK(client->rtp.size() > 10);
    CHECK(world.shards[1]->snapshot().tracks == 1);
    // It moves there after all.
    world.move(call.publisher, 1, {call.receiver}, {});
    const std::size_t before = late.rtp.size();
    call.publish(300);
    for (const Client* client : {&late, &beside, &later})
        CHECK(client->rtp.size() >= before + 27);
}

TEST_CASE("Shard: a peer that is awaited and does not come leaves nothing [MC-20]") {
    Call call(3, 0, 1);
    call.publish(200);
    call.world.command(0, RemoveDownTrack{call.to_stays.down_track, false});
    call.world.run(50);
    REQUIRE(call.world.shards[2]->snapshot().tracks == 1);
    call.world.command(2, RemoveDownTrack{call.to_stays.down_track, false});
    call.world.run(50);
    REQUIRE(call.world.shards[2]->snapshot().tracks == 0);
    const std::size_t free = call.world.shards[2]->snapshot().packets_in_use;
    call.world.command(
        2, AwaitPeer{PeerId(77),
                     {{DownTrackId(5000), call.receiver.receiver, 0, MediaKind::kVideo, 2}}});
    call.publish(20'000);
    CHECK(call.world.shards[2]->snapshot().tracks == 1);
    // Bounded, however long it takes.
    CHECK(call.world.shards[2]->snapshot().packets_in_use <= free + Track::kMaxKept + 500);
    CHECK(call.world.shards[2]->snapshot().packets_in_use > free + 100);
    call.world.command(2, ClosePeer{PeerId(77)});
    CHECK(call.world.shards[2]->snapshot().tracks == 0);
    CHECK(call.world.shards[2]->snapshot().packets_in_use == free);
}

TEST_CASE("Shard: data channels go on at another worker without loss [MC-20] [SIO-11] [outside]") {
    Cluster world(2);
    Client& moves = world.add_client(0, true);
    Client& stays = world.add_client(1, true);
    DataMember of_moves = world.add_member(moves, "moves");
    DataMember of_stays = world.add_member(stays, "stays");
    const DataWorkers both{RoomId(1), {0, 1}, false};
    world.command(0, both);
    world.command(1, both);
    world.run(500);
    REQUIRE(moves.channels.contains("_reliable"));
    REQUIRE(stays.channels.contains("_reliable"));
    const auto say = [&](Client& from, int number) {
        REQUIRE(from.transport->send_message(
                    world_time(world.now_ms), from.channels.at("_reliable"),
                    sctp::SharedBytes(test::text_packet("m" + std::to_string(number)))) ==
                sctp::SendStatus::kOk);
    };
    std::vector<std::string> said;
    for (int round = 0; round < 6; ++round) {
        for (int i = 0; i < 10; ++i) {
            said.push_back("m" + std::to_string(100 * round + i));
            say(moves, 100 * round + i);
            say(stays, 100 * round + i);
        }
        // In the middle of it: what is on its way is in the state.
        world.run(1);
        const std::size_t to = 1 - moves.shard;
        const std::size_t from = moves.shard;
        world.move(moves, to, {}, {});
        of_moves.peer = moves.id;
        world.command(to, of_moves);
        world.command(to, both);
        world.command(from, DataMemberGone{of_moves.room, of_moves.member});
        world.run(100);
    }
    world.run(2000);
    const auto texts = [](const Client& client) {
        std::vector<std::string> result;
        result.reserve(client.messages.size());
        for (const std::string& packet : client.messages)
            result.push_back(test::text_in(packet));
        return result;
    };
    CHECK(texts(moves) == said);
    CHECK(texts(stays) == said);
}

TEST_CASE(
    "Shard: what is said to somebody between two workers comes, once and in order "
    "[MC-20] [SIG-121] [outside]") {
    Cluster world(3);
    Client& moves = world.add_client(0, true);
    Client& speaks = world.add_client(2, true);
    Client& beside = world.add_client(0, true);
    Client& there = world.add_client(1, true);
    DataMember of_moves = world.add_member(moves, "moves");
    world.add_member(speaks, "speaks");
    world.add_member(beside, "beside");
    world.add_member(there, "there");
    const DataWorkers all{RoomId(1), {0, 1, 2}, false};
    for (std::size_t worker = 0; worker < 3; ++worker)
        world.command(worker, all);
    world.run(500);
    const std::map<Client*, std::string> senders{
        {&speaks, "speaks"}, {&beside, "beside"}, {&there, "there"}};
    int said = 0;
    const auto say = [&](int count) {
        for (int i = 0; i < count; ++i) {
            ++said;
            for (const auto& [from, name] : senders) {
                const Bytes packet = test::text_packet(name + std::to_string(said),
                                                       static_cast<std::uint32_t>(said));
                REQUIRE(from->transport->send_message(
                            world_time(world.now_ms), from->channels.at("_reliable"),
                            sctp::SharedBytes(packet)) == sctp::SendStatus::kOk);
            }
            world.run(1);
        }
    };
    say(20);
    for (int round = 0; round < 6; ++round) {
        const std::size_t to = 1 - moves.shard;
        const std::size_t from = moves.shard;
        world.command(to, AwaitPeer{moves.id, {}});
        of_moves.peer = moves.id;
        world.command(to, of_moves);
        world.command(to, all);
        say(10);
        const PeerExported exported = world.export_peer(moves, static_cast<WorkerIndex>(to));
        REQUIRE(exported.state);
        say(30);
        ImportPeer import;
        import.state = exported.state;
        import.exported = exported.at;
        REQUIRE(world.import_peer(moves, to, std::move(import)));
        world.command(from, DataMemberGone{of_moves.room, of_moves.member});
        say(20);
    }
    world.run(2000);
    for (const std::string name : {"speaks", "beside", "there"}) {
        CAPTURE(name);
        std::vector<std::string> heard;
        for (const std::string& packet : moves.messages)
            if (const std::string text = test::text_in(packet); text.starts_with(name))
                heard.push_back(text);
        std::vector<std::string> wanted;
        for (int i = 1; i <= said; ++i)
            wanted.push_back(name + std::to_string(i));
        CHECK(heard == wanted);
    }
}

TEST_CASE(
    "Shard: a call goes on in another process that has nothing but the bytes "
    "[MC-20] [FWD-18] [SIO-11] [outside]") {
    // Two shards that have no way to each other, each with a pool, keys and numbers of its own.
    Cluster world(2);
    world.links.capacity = 0;
    Client& publisher = world.add_client(0);
    Client& subscriber = world.add_client(0);
    world.run(300);
    const AddReceiver video = vp8_receiver(publisher);
    const AddReceiver audio = opus_receiver(publisher);
    world.command(0, video);
    world.command(0, audio);
    const AddDownTrack to = down_track_to(subscriber, video, 0, 5000);
    world.command(0, to);
    world.run(10);
    std::uint16_t sequence = 40'000;
    std::int64_t frame = 0;
    publish_video(world, publisher, 2000, sequence, frame);
    // Who subscribes goes first: for who stays, a track has ended that goes to another process. The
    // bytes go alone: neither the clock of the export nor a link.
    const PeerExported exported = world.export_peer(subscriber, std::nullopt);
    ImportPeer import;
    import.receivers = {video, audio};
    import.state = world.export_peer(publisher, std::nullopt).state;
    REQUIRE(import.state);
    REQUIRE(world.import_peer(publisher, 1, import));
    AddDownTrack there = to;
    there.home = 1;
    ImportPeer of_subscriber;
    of_subscriber.down_tracks = {there};
    of_subscriber.state = exported.state;
    REQUIRE(world.import_peer(subscriber, 1, of_subscriber));
    world.entrance = 1;  // it took the socket over
    publish_video(world, publisher, 4000, sequence, frame);
    CHECK(check_continuous(subscriber, 5000, 3000) + 3 >= static_cast<std::size_t>(frame) * 3);
    CHECK(world.shards[0]->snapshot().peers == 0);
    CHECK(world.shards[1]->snapshot().peers == 2);
    CHECK(publisher.transport->state() == peer::TransportState::kConnected);
    CHECK(subscriber.transport->state() == peer::TransportState::kConnected);
}

TEST_CASE("Shard: in doubt no number is used that the old owner may have used [FWD-18] [TRAP-14]") {
    Call call(2, 0, 1);
    call.publish(1000);
    const std::uint16_t last = call.moves.rtp.back().sequence;
    const PeerExported exported = call.world.export_peer(call.moves, WorkerIndex{0});
    ImportPeer import;
    import.down_tracks = {call.to_moves};
    import.state = exported.state;
    import.exported = exported.at;
    import.in_doubt = true;
    REQUIRE(call.world.import_peer(call.moves, 0, import));
    call.publish(200);
    const auto first =
        std::find_if(call.moves.rtp.begin(), call.moves.rtp.end(),
                     [&](const ReceivedRtp& p) { return p.ms > exported.at.us() / 1000 - 1000; });
    REQUIRE(first != call.moves.rtp.end());
    CHECK(static_cast<std::uint16_t>(first->sequence - last) == 1001);
}

TEST_CASE("Shard: in doubt feedback names no packet of the old owner [FWD-18] [BWE-30]") {
    Call call(2, 0, 1, 5);
    const auto numbers = [&call](std::size_t from) {
        std::vector<std::uint16_t> found;
        for (std::size_t i = from; i < call.moves.rtp.size(); ++i) {
            const auto view = wire::parse_rtp(call.moves.rtp[i].packet);
            REQUIRE(view.has_value());
            const auto number = wire::find_extension(*view, 5);
            REQUIRE(number.has_value());
            found.push_back(load_be16(number->data()));
        }
        return found;
    };
    for (const bool in_doubt : {false, true}) {
        call.publish(1000);
        const std::uint16_t last = numbers(0).back();
        const std::size_t before = call.moves.rtp.size();
        const std::size_t to = 1 - call.moves.shard;
        const PeerExported exported =
            call.world.export_peer(call.moves, static_cast<WorkerIndex>(to));
        ImportPeer import;
        import.down_tracks = {call.to_moves};
        import.state = exported.state;
        import.exported = exported.at;
        import.in_doubt = in_doubt;
        REQUIRE(call.world.import_peer(call.moves, to, import));
        call.publish(1000);
        const auto behind = numbers(before);
        REQUIRE(behind.size() > 50);
        // A thousand of each stream: pictures and their copies.
        CHECK(static_cast<std::uint16_t>(behind[0] - last) == (in_doubt ? 2001 : 1));
        for (std::size_t i = 1; i < behind.size(); ++i)
            REQUIRE(static_cast<std::uint16_t>(behind[i] - behind[i - 1]) == 1);
    }
}

TEST_CASE("Shard: what can not be moved stays as it is [MC-20] [FWD-18]") {
    Call call(2, 0, 1);
    Cluster& world = call.world;
    call.publish(500);
    // Nobody, to itself, to a worker that is not there.
    world.command(1, ExportPeer{PeerId(77), WorkerIndex{0}, {}});
    world.command(1, ExportPeer{call.moves.id, WorkerIndex{1}, {}});
    world.command(1, ExportPeer{call.moves.id, WorkerIndex{9}, {}});
    world.run(1);
    const auto exported = world.events_of<PeerExported>();
    REQUIRE(exported.size() == 3);
    for (const PeerExported& one : exported)
        CHECK_FALSE(one.state);
    // One that is not connected.
    Client& absent = world.add_client(0);
    CHECK(world.shards[1]->snapshot().peers == 2);
    // Bytes that are none, of another peer, and twice the same.
    ImportPeer import;
    CHECK_FALSE(world.import_peer(absent, 1, import));
    import.state = PeerBytes(Bytes{1, 1, 1, 2, 0});
    CHECK_FALSE(world.import_peer(absent, 1, import));
    call.publish(500);
    CHECK(world.shards[1]->snapshot().peers == 2);
    CHECK(check_continuous(call.moves, 5000, 3000) + 3 >= call.packets());
    const PeerExported good = world.export_peer(call.moves, WorkerIndex{0});
    REQUIRE(good.state);
    import.state = good.state;
    import.down_tracks = {call.to_moves};
    Bytes broken = to_vector(good.state.view());
    broken.resize(broken.size() - 10);
    ImportPeer torn = import;
    torn.state = PeerBytes(broken);
    CHECK_FALSE(world.import_peer(call.moves, 0, torn));
    CHECK(world.shards[0]->snapshot().down_tracks == 0);
    REQUIRE(world.import_peer(call.moves, 0, import));
    CHECK_FALSE(world.import_peer(call.moves, 0, import));
    call.publish(500);
    CHECK(check_continuous(call.moves, 5000, 3000) + 3 >= call.packets());
}

TEST_CASE("Shard: what changed while a peer moved counts, not its state [MC-20] [FWD-18]") {
    Call call(2, 0, 1);
    Cluster& world = call.world;
    call.publish(500);
    const PeerExported exported = world.export_peer(call.moves, WorkerIndex{0});
    const std::size_t before = call.moves.rtp.size();
    ImportPeer import;
    import.state = exported.state;
    import.exported = exported.at;
    // The subscription ended; another one began.
    AddDownTrack other = call.to_moves;
    other.down_track = DownTrackId(9000);
    other.ssrc = Ssrc(9000);
    other.rtx_ssrc = Ssrc(9001);
    other.settings.enabled = false;
    import.down_tracks = {other};
    REQUIRE(world.import_peer(call.moves, 0, import));
    call.publish(500);
    CHECK(call.moves.rtp.size() == before);
    CHECK(world.shards[0]->snapshot().down_tracks == 1);
    other.settings.enabled = true;
    world.command(0, UpdateDownTrack{other.down_track, other.settings});
    call.frame = 0;  // a key frame
    call.publish(500);
    REQUIRE(call.moves.rtp.size() > before);
    CHECK(call.moves.rtp.back().ssrc == 9000);
}

TEST_CASE("Shard: checks by a name of the old worker find the peer until it is closed [MC-20]") {
    Call call(2, 0, 0);
    Cluster& world = call.world;
    call.publish(300);
    world.move(call.moves, 1, {}, {call.to_moves});
    // Consent is asked for again and again, for more than the time it lasts.
    call.publish(40'000);
    CHECK(call.moves.transport->state() == peer::TransportState::kConnected);
    CHECK(world.shards[1]->snapshot().peers == 2);
    CHECK(check_continuous(call.moves, 5000, 3000) + 3 >= call.packets());
    world.command(0, ClosePeer{call.moves.id});
    world.command(1, ClosePeer{call.moves.id});
    world.run(20'000);
    CHECK(call.moves.transport->state() != peer::TransportState::kConnected);
}

TEST_CASE("Shard: of two connections of a participant both go, or none [MC-20]") {
    Call call(2, 0, 1);
    Cluster& world = call.world;
    call.publish(500);
    // Its second connection is not there.
    world.command(1, ExportPeer{call.moves.id, WorkerIndex{0}, PeerId(77)});
    world.run(1);
    auto exported = world.events_of<PeerExported>();
    REQUIRE(exported.size() == 2);
    for (const PeerExported& one : exported)
        CHECK_FALSE(one.state);
    // It is, and ends before it could go.
    Client& ends = world.add_client(1);
    world.run(300);
    world.command(1, ExportPeer{call.moves.id, WorkerIndex{0}, ends.id});
    world.command(1, ClosePeer{ends.id});
    world.run(1);
    exported = world.events_of<PeerExported>();
    REQUIRE(exported.size() == 4);
    for (const PeerExported& one : exported)
        CHECK_FALSE(one.state);
    call.publish(500);
    CHECK(check_continuous(call.moves, 5000, 3000) + 3 >= call.packets());
    CHECK(world.shards[1]->snapshot().peers == 2);
    world.command(1, ExportPeer{call.moves.id, WorkerIndex{0}, call.stays.id});
    world.run(1);
    exported = world.events_of<PeerExported>();
    REQUIRE(exported.size() == 6);
    CHECK(exported[4].state);
    CHECK(exported[5].state);
    CHECK(world.shards[1]->snapshot().peers == 0);
}

}  // namespace confab::sfu
