// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Whole shards against clients made of our own transports: one, two and four shards in one thread,
// virtual time, rings as queues (02 DES-54).

#include "sfu/shard.h"

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "wire/rtp_extensions.h"
#include "wire/rtx.h"

namespace confab::sfu {
namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(1'000'000 + ms * 1000);
}

struct Links final : ShardLinks {
    struct Item {
        LinkMessage message;
        Bytes bytes;
    };
    explicit Links(std::vector<std::deque<Item>>& queues) : queues_(queues) {}
    bool push(WorkerIndex to, const LinkMessage& message, BytesView bytes) override {
        queues_[to].push_back({message, to_vector(bytes)});
        return true;
    }
    std::vector<std::deque<Item>>& queues_;
};

struct ReceivedRtp {
    std::uint8_t pt = 0;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t ssrc = 0;
    bool marker = false;
    Bytes payload;
};

// The client end of one peer connection.
struct Client {
    Client(std::uint16_t port, const std::string& name, srtp::Engine& engine, Rng& rng) {
        address = {IpAddress::v4(0x7F000002), port};
        peer::TransportConfig config;
        config.ice.local = {name + "_client_ufrag", name + "_client_password_1234567890"};
        config.ice.role = ice::Role::kControlling;
        config.ice.candidates = {{0, ice::Protocol::kUdp, address}};
        credentials = config.ice.local;
        peer::SharedCrypto crypto;
        crypto.engine = &engine;
        crypto.simulate_dtls = true;
        transport = std::make_unique<peer::Transport>(crypto, config, rng.fork());
    }
    void send(const wire::RtpHeader& header, BytesView payload,
              std::deque<std::pair<SocketAddress, Bytes>>& out, std::string_view mid = {},
              std::string_view rid = {}) {
        Bytes packet(1500);
        ByteWriter writer(packet);
        wire::RtpHeader h = header;
        wire::ExtensionWriter extensions;
        if (!mid.empty()) extensions.add(4, as_bytes(mid));
        if (!rid.empty()) extensions.add(5, as_bytes(rid));
        h.has_extension = !extensions.empty();
        wire::write_rtp_header(writer, h);
        extensions.write(writer);
        const auto index =
            static_cast<std::uint64_t>(indices[header.ssrc].unwrap(header.sequence) - 65'536);
        packet.resize(transport->srtp_sender()->protect_rtp(packet, writer.size(), payload, index));
        out.emplace_back(transport->path()->remote, packet);
    }
    void send_rtcp(Bytes compound, std::deque<std::pair<SocketAddress, Bytes>>& out) {
        const std::size_t size = compound.size();
        compound.resize(size + 40);
        compound.resize(transport->srtp_sender()->protect_rtcp(compound, size));
        out.emplace_back(transport->path()->remote, compound);
    }

    PeerId id;
    std::size_t shard = 0;
    SocketAddress address;
    ice::Credentials credentials;
    std::unique_ptr<peer::Transport> transport;
    std::map<std::uint32_t, SeqUnwrapper> indices;
    std::vector<ReceivedRtp> rtp;
    std::vector<Bytes> rtcp;
    std::map<std::string, std::uint16_t> channels;
    std::vector<std::string> messages;
};

struct World {
    explicit World(std::size_t shard_count) : queues(shard_count), links(queues) {
        for (std::size_t i = 0; i < shard_count; ++i) {
            ShardConfig config;
            config.index = static_cast<WorkerIndex>(i);
            config.worker_count = shard_count;
            config.simulate_dtls = true;
            config.wall = UnixTime::seconds(1'700'000'000);
            config.candidates = {{0, ice::Protocol::kUdp, shard_address(i)}};
            shards.push_back(std::make_unique<Shard>(config, at_ms(0), Rng(100 + i), links));
        }
    }
    static SocketAddress shard_address(std::size_t i) {
        return {IpAddress::v4(0x7F000001), static_cast<std::uint16_t>(7000 + i)};
    }
    Client& add_client(std::size_t shard, bool data = false) {
        const std::string name = "c" + std::to_string(clients.size());
        clients.push_back(std::make_unique<Client>(
            static_cast<std::uint16_t>(9000 + clients.size()), name, engine, rng));
        Client& client = *clients.back();
        client.id = PeerId(clients.size());
        client.shard = shard;
        const std::string ufrag = std::string(1, kOwnerLetters[shard]) + name + "serverufrag";
        const std::string pwd = name + "_server_password_1234567890";
        CreatePeer create;
        create.peer = client.id;
        create.local = {ufrag, pwd};
        command(shard, create);
        SetRemote remote;
        remote.peer = client.id;
        remote.remote = {client.credentials.ufrag, client.credentials.pwd};
        remote.local_dtls_role = DtlsRole::kServer;
        remote.sctp = data;
        command(shard, remote);
        peer::RemoteParameters to_client;
        to_client.ice = {ufrag, pwd};
        to_client.local_role = dtls::Role::kClient;
        to_client.sctp = data;
        client.transport->set_remote(at_ms(now_ms), to_client);
        client.transport->add_remote_candidate(at_ms(now_ms),
                                               {ice::Protocol::kUdp, shard_address(shard)});
        return client;
    }
    void command(std::size_t shard, Command c) {
        shards[shard]->handle_command(at_ms(now_ms), std::move(c));
    }

    void deliver_to_shards() {
        while (!to_shards.empty()) {
            auto [from, to, bytes] = std::move(to_shards.front());
            to_shards.pop_front();
            const std::size_t i = to.port - 7000U;
            PacketRef packet = shards[i]->pool().acquire_large();
            std::copy(bytes.begin(), bytes.end(), packet.buffer().begin());
            packet.set_size(bytes.size());
            ice::Path path;
            path.local = shard_address(i);
            path.remote = from;
            if (shards[i]->handle_datagram(at_ms(now_ms), path, std::move(packet))) ++foreign;
        }
    }
    void run_client(Client& client) {
        const Timestamp now = at_ms(now_ms);
        if (now >= client.transport->next_deadline()) client.transport->handle_timeout(now);
        while (const auto datagram = client.transport->poll_transmit())
            to_shards.push_back(
                {client.address, datagram->path.remote, to_vector(datagram->bytes)});
        while (!client_out[&client].empty()) {
            auto& [to, bytes] = client_out[&client].front();
            to_shards.push_back({client.address, to, bytes});
            client_out[&client].pop_front();
        }
        while (auto event = client.transport->poll_event()) {
            if (auto* opened = std::get_if<peer::ChannelOpened>(&*event))
                client.channels[opened->label] = opened->channel;
            if (auto* message = std::get_if<peer::MessageReceived>(&*event))
                client.messages.emplace_back(as_text(message->payload));
        }
    }
    void receive(Client& client, const SocketAddress& from, BytesView datagram) {
        Bytes bytes = to_vector(datagram);
        ice::Path path;
        path.local = client.address;
        path.remote = from;
        const auto media = client.transport->handle_packet(at_ms(now_ms), path, bytes);
        if (media.kind == peer::Transport::Media::Kind::kRtcp)
            client.rtcp.push_back(to_vector(media.packet));
        if (media.kind != peer::Transport::Media::Kind::kRtp) return;
        const auto view = wire::parse_rtp(media.packet).value();
        client.rtp.push_back({view.header.payload_type, view.header.sequence, view.header.timestamp,
                              view.header.ssrc, view.header.marker, to_vector(view.payload)});
    }
    void flush_shard(std::size_t i) {
        SendBatch batch;
        while (shards[i]->poll_transmit(at_ms(now_ms), batch)) {
            for (std::size_t r = 0; r < batch.run_count(); ++r) {
                const SendRun& run = batch.run(r);
                const BytesSpan all = batch.bytes(run);
                for (std::size_t at = 0; at < all.size(); at += run.segment_size) {
                    const std::size_t size =
                        std::min<std::size_t>(run.segment_size, all.size() - at);
                    for (auto& client : clients)
                        if (client->address == run.path.remote)
                            receive(*client, shard_address(i), all.subspan(at, size));
                }
            }
            batch.clear();
        }
        while (auto event = shards[i]->poll_event())
            events.push_back(std::move(*event));
    }
    void run(std::int64_t ms) {
        for (const std::int64_t end = now_ms + ms; now_ms < end; ++now_ms) {
            for (auto& client : clients)
                run_client(*client);
            deliver_to_shards();
            for (std::size_t round = 0; round < 2; ++round)
                for (std::size_t i = 0; i < shards.size(); ++i) {
                    while (!queues[i].empty()) {
                        const Links::Item item = std::move(queues[i].front());
                        queues[i].pop_front();
                        shards[i]->handle_link(at_ms(now_ms), item.message, item.bytes);
                    }
                    if (at_ms(now_ms) >= shards[i]->next_deadline())
                        shards[i]->handle_timeout(at_ms(now_ms));
                    flush_shard(i);
                }
        }
    }
    template <typename T>
    std::vector<T> events_of() const {
        std::vector<T> found;
        for (const Event& event : events)
            if (const auto* one = std::get_if<T>(&event)) found.push_back(*one);
        return found;
    }

    srtp::Engine engine;
    Rng rng{5};
    std::int64_t now_ms = 0;
    std::vector<std::deque<Links::Item>> queues;
    Links links;
    std::vector<std::unique_ptr<Shard>> shards;
    std::vector<std::unique_ptr<Client>> clients;
    std::map<Client*, std::deque<std::pair<SocketAddress, Bytes>>> client_out;
    struct Datagram {
        SocketAddress from;
        SocketAddress to;
        Bytes bytes;
    };
    std::deque<Datagram> to_shards;
    std::vector<Event> events;
    int foreign = 0;
};

AddReceiver vp8_receiver(const Client& publisher) {
    AddReceiver add;
    add.receiver = ReceiverId(1000);
    add.peer = publisher.id;
    add.room = RoomId(1);
    add.kind = MediaKind::kVideo;
    add.mid = "0";
    add.codecs = {{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true, std::nullopt}};
    add.extensions.mid = 4;
    add.extensions.rid = 5;
    add.layers = {{"", 0, std::nullopt, std::nullopt, 640, 360}};
    return add;
}
AddReceiver opus_receiver(const Client& publisher) {
    AddReceiver add;
    add.receiver = ReceiverId(1001);
    add.peer = publisher.id;
    add.room = RoomId(1);
    add.kind = MediaKind::kAudio;
    add.mid = "1";
    add.codecs = {{Codec::kOpus, PayloadType(111), std::nullopt, 48'000, true, std::nullopt}};
    add.extensions.mid = 4;
    add.layers = {{}};
    add.microphone = true;
    return add;
}
AddDownTrack down_track_to(const Client& subscriber, const AddReceiver& receiver, WorkerIndex home,
                           std::uint32_t ssrc) {
    AddDownTrack add;
    add.down_track = DownTrackId(ssrc);
    add.peer = subscriber.id;
    add.receiver = receiver.receiver;
    add.home = home;
    add.kind = receiver.kind;
    add.ssrc = Ssrc(ssrc);
    add.rtx_ssrc = Ssrc(ssrc + 1);
    add.codecs = {{receiver.codecs[0].codec, receiver.codecs[0].pt, receiver.codecs[0].rtx_pt,
                   receiver.codecs[0].clock_rate, true}};
    add.extensions.abs_send_time = 3;
    add.cname = "PA_x|TR_y";
    return add;
}
Bytes vp8_payload(bool key, std::uint8_t tag, std::size_t size = 900) {
    Bytes payload{
        0x10, static_cast<std::uint8_t>(key ? 0x00 : 0x01), 0, 0, 0x9D, 0x01, 0x2A, 64, 0, 48, 0,
        tag};
    payload.resize(size, tag);
    return payload;
}

// Frames of three packets every 33 ms until `until_ms`.
void publish_video(World& world, Client& publisher, std::int64_t until_ms, std::uint16_t& sequence,
                   std::int64_t& frame, bool (*lost)(std::uint16_t) = nullptr) {
    while (world.now_ms < until_ms) {
        const bool key = frame == 0;
        for (int i = 0; i < 3; ++i) {
            wire::RtpHeader header;
            header.payload_type = 96;
            header.ssrc = 0xABCD;
            header.sequence = sequence++;
            header.timestamp = static_cast<std::uint32_t>(frame * 3000);
            header.marker = i == 2;
            Bytes payload = vp8_payload(key, static_cast<std::uint8_t>(frame));
            if (i > 0) payload[0] = 0x00;  // continuation of the partition
            std::deque<std::pair<SocketAddress, Bytes>> out;
            publisher.send(header, payload, out, "0");
            if (lost == nullptr || !lost(header.sequence))
                world.client_out[&publisher].push_back(std::move(out.front()));
        }
        ++frame;
        world.run(33);
    }
}

TEST_CASE(
    "Shard: VP8 reaches subscribers on every shard, continuous and decodable [DES-40][FWD-01]") {
    for (const std::size_t count : {1U, 2U, 4U}) {
        CAPTURE(count);
        World world(count);
        Client& publisher = world.add_client(0);
        std::vector<Client*> subscribers;
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
        // A layer that flows, sender side.
        CHECK(world.events_of<LayersChanged>().front().available == 1);
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
    for (const Bytes& compound : publisher.rtcp) {
        wire::RtcpReader reader(compound);
        while (const auto block = reader.next()) {
            if (const auto nack = wire::parse_nack(*block))
                nack->for_each([&](std::uint16_t s) { asked.insert(s); });
            if (const auto report = wire::parse_receiver_report(*block)) {
                ++receiver_reports;
                CHECK(report->blocks[0].ssrc == 0xABCD);
                if (receiver_reports > 1) CHECK(report->blocks[0].fraction_lost > 0);
            }
            if (block->type == wire::RtcpType::kExtendedReport) ++reference_times;
        }
        CHECK_FALSE(reader.error().has_value());
    }
    CHECK(asked.size() >= 10);
    for (const std::uint16_t s : asked)
        CHECK(s % 20 == 0);
    CHECK(receiver_reports >= 2);
    CHECK(receiver_reports <= 4);
    CHECK(reference_times == receiver_reports);
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
        for (const Bytes& compound : publisher.rtcp) {
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
    for (const Bytes& one : subscriber.rtcp) {
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
    world.command(0, OpenDataChannels{client.id, true});
    world.run(800);
    REQUIRE(client.channels.contains("_reliable"));
    CHECK(client.channels.at("_reliable") == 1);
    CHECK(client.channels.at("_lossy") == 3);
    CHECK(client.channels.at("_data_track") == 5);
    CHECK(world.events_of<DataChannelOpened>().size() == 3);
    world.command(
        0, SendData{{client.id, mute.id}, DataChannel::kReliable, to_vector(as_bytes("hi"))});
    client.transport->send_message(at_ms(world.now_ms), 3, sctp::SharedBytes(as_bytes("up")));
    world.run(50);
    CHECK(client.messages == std::vector<std::string>{"hi"});
    const auto received = world.events_of<DataReceived>();
    REQUIRE(received.size() == 1);
    CHECK(received[0].channel == DataChannel::kLossy);
    CHECK(as_text(received[0].payload) == "up");
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
    CHECK(levels.back().levels.empty());
}

TEST_CASE("Shard: a datagram for another shard names its owner and nothing else [DES-03]") {
    World world(2);
    Client& client = world.add_client(1);
    // The client asks at the socket of shard 0.
    client.transport->add_remote_candidate(at_ms(0),
                                           {ice::Protocol::kUdp, World::shard_address(0)});
    world.run(50);
    CHECK(world.foreign > 0);
    ice::Path path;
    path.local = World::shard_address(0);
    path.remote = client.address;
    CHECK(world.shards[0]->foreign_owner(path) == WorkerIndex(1));
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
        (void)world.shards[0]->handle_datagram(at_ms(world.now_ms), path, std::move(packet));
    }
    CHECK(world.shards[0]->snapshot().unknown_datagrams > 5000);
    world.run(100);
    CHECK(client.transport->connected());
}

}  // namespace
}  // namespace confab::sfu
