// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A world of whole shards and clients made of our own transports: any number of shards in one
// thread, virtual time in steps of 1 ms, rings as queues, a network without delay (02 DES-54).
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sfu/shard/shard.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::sfu::test {

inline Timestamp world_time(std::int64_t ms) {
    return Timestamp::micros(1'000'000 + ms * 1000);
}

struct Links final : ShardLinks {
    struct Item {
        LinkMessage message;
        Bytes bytes;
    };
    explicit Links(std::vector<std::deque<Item>>& queues) : queues_(queues) {}
    bool push(WorkerIndex to, const LinkMessage& message, BytesView bytes) override {
        if (queues_[to].size() >= capacity) return false;
        ++(std::holds_alternative<LinkPacket>(message.body) ? packets : messages);
        queues_[to].push_back({message, to_vector(bytes)});
        return true;
    }
    std::vector<std::deque<Item>>& queues_;
    std::size_t capacity = 100'000;  // of each ring
    std::size_t packets = 0;         // that crossed
    std::size_t messages = 0;        // beside packets
};

struct ReceivedRtp {
    std::uint8_t pt = 0;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::uint32_t ssrc = 0;
    bool marker = false;
    Bytes payload;
    Bytes packet;  // all of it, decrypted
    std::int64_t ms = 0;
};
struct ReceivedRtcp {
    std::int64_t ms = 0;
    Bytes compound;
};

// The client end of one peer connection.
struct Client {
    Client(std::uint16_t port, const std::string& name, srtp::Engine& engine, Rng& rng) {
        address = inside = {IpAddress::v4(0x7F000002), port};
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
    // A whole packet as it is before SRTP.
    void send_packet(BytesView clear, std::deque<std::pair<SocketAddress, Bytes>>& out) {
        const auto view = wire::parse_rtp(clear).value();
        Bytes packet = to_vector(clear);
        packet.resize(clear.size() + 40);
        const auto index = static_cast<std::uint64_t>(
            indices[view.header.ssrc].unwrap(view.header.sequence) - 65'536);
        const BytesView body = clear.subspan(view.header.header_size);
        packet.resize(
            transport->srtp_sender()->protect_rtp(packet, view.header.header_size, body, index));
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
    SocketAddress address;  // as the shards see it: another one is a NAT that gave another port
    SocketAddress inside;
    ice::Credentials credentials;
    std::unique_ptr<peer::Transport> transport;
    std::map<std::uint32_t, SeqUnwrapper> indices;
    std::vector<ReceivedRtp> rtp;
    std::vector<ReceivedRtcp> rtcp;
    std::map<std::string, std::uint16_t> channels;
    std::vector<std::string> messages;
    bool deaf = false;  // takes nothing of its data channels, whose window closes
};

struct World {
    // `same_port`: workers share the address of the first, as in production; each datagram then
    // comes to the socket of `entrance`.
    explicit World(std::size_t shard_count, const ShardOptions& options = {},
                   std::size_t control_shards = 1, const PacketPoolLimits& pool = {},
                   bool same_port = false)
        : queues(shard_count), links(queues), one_address(same_port) {
        for (std::size_t i = 0; i < shard_count; ++i) {
            ShardConfig config;
            config.index = static_cast<WorkerIndex>(i);
            config.worker_count = shard_count;
            config.control_shards = control_shards;
            config.simulate_dtls = true;
            config.options = options;
            config.pool = pool;
            config.wall = UnixTime::seconds(1'700'000'000);
            config.candidates = {{0, ice::Protocol::kUdp, address_of(i)},
                                 {1, ice::Protocol::kTcp, address_of(i)}};
            shards.push_back(std::make_unique<Shard>(config, world_time(0), Rng(100 + i), links));
        }
    }
    static SocketAddress shard_address(std::size_t i) {
        return {IpAddress::v4(0x7F000001), static_cast<std::uint16_t>(7000 + i)};
    }
    SocketAddress address_of(std::size_t shard) const {
        return shard_address(one_address ? 0 : shard);
    }
    Client& add_client(std::size_t shard, bool data = false, ControlShard control = 0) {
        const std::string name = "c" + std::to_string(clients.size());
        clients.push_back(std::make_unique<Client>(
            static_cast<std::uint16_t>(9000 + clients.size()), name, engine, rng));
        Client& client = *clients.back();
        client.id = PeerId(std::uint64_t{control} << kControlShardBit | clients.size());
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
        client.transport->set_remote(world_time(now_ms), to_client);
        client.transport->add_remote_candidate(world_time(now_ms),
                                               {ice::Protocol::kUdp, address_of(shard)});
        return client;
    }
    // As a participant of one room, by number; its channels are opened.
    DataMember add_member(const Client& client, const std::string& identity) {
        command(client.shard, OpenDataChannels{client.id, true});
        DataMember member;
        member.room = RoomId(1);
        member.member = MemberId(client.id.value());
        member.peer = client.id;
        member.identity = identity;
        member.sid = "PA_" + identity;
        member.may_publish = true;
        command(client.shard, member);
        return member;
    }
    void command(std::size_t shard, Command c) {
        shards[shard]->handle_command(world_time(now_ms), std::move(c));
    }

    void deliver_to_shards() {
        while (!to_shards.empty()) {
            auto [from, to, bytes] = std::move(to_shards.front());
            to_shards.pop_front();
            const ice::Path path = path_of(from, to);
            const std::size_t own = to.port - 7000U;
            const std::size_t first = entrance.value_or(own);
            const auto owner = give(first, path, bytes, {});
            if (!owner) continue;
            ++foreign;
            if (!entrance) continue;
            const auto via = static_cast<WorkerIndex>(first);
            const auto next = give(*owner, path, bytes, {via, {}});
            if (next && next != via) (void)give(*next, path, bytes, {owner, {}});
        }
    }
    ice::Path path_of(const SocketAddress& client, const SocketAddress& shard) const {
        ice::Path path;
        path.local = shard;
        path.remote = client;
        if (const auto stream = streams.find(client); stream != streams.end()) {
            path.socket = 1;
            path.protocol = ice::Protocol::kTcp;
            path.tcp_connection = stream->second;
        }
        return path;
    }
    std::optional<WorkerIndex> give(std::size_t shard, const ice::Path& path, BytesView bytes,
                                    const Shard::Origin& origin) {
        PacketRef packet = shards[shard]->pool().acquire_large();
        if (!packet) return std::nullopt;  // it stays in the socket
        std::copy(bytes.begin(), bytes.end(), packet.buffer().begin());
        packet.set_size(bytes.size());
        return shards[shard]->handle_datagram(world_time(now_ms), path, std::move(packet), origin);
    }
    void run_client(Client& client) {
        const Timestamp now = world_time(now_ms);
        if (now >= client.transport->next_deadline()) client.transport->handle_timeout(now);
        while (const auto datagram = client.transport->poll_transmit())
            to_shards.push_back(
                {client.address, datagram->path.remote, to_vector(datagram->bytes)});
        while (!client_out[&client].empty()) {
            auto& [to, bytes] = client_out[&client].front();
            to_shards.push_back({client.address, to, bytes});
            client_out[&client].pop_front();
        }
        while (!client.deaf) {
            auto event = client.transport->poll_event();
            if (!event) break;
            if (auto* opened = std::get_if<peer::ChannelOpened>(&*event))
                client.channels[opened->label] = opened->channel;
            if (auto* message = std::get_if<peer::MessageReceived>(&*event))
                client.messages.emplace_back(as_text(message->payload));
        }
    }
    void receive(Client& client, const SocketAddress& from, BytesView datagram) {
        if (lose && lose(client, datagram)) return;
        Bytes bytes = to_vector(datagram);
        ice::Path path;
        path.local = client.inside;
        path.remote = from;
        const auto media = client.transport->handle_packet(world_time(now_ms), path, bytes);
        if (media.kind == peer::Transport::Media::Kind::kRtcp)
            client.rtcp.push_back({now_ms, to_vector(media.packet)});
        if (media.kind != peer::Transport::Media::Kind::kRtp) return;
        const auto view = wire::parse_rtp(media.packet).value();
        client.rtp.push_back({view.header.payload_type, view.header.sequence, view.header.timestamp,
                              view.header.ssrc, view.header.marker, to_vector(view.payload),
                              to_vector(media.packet), now_ms});
    }
    void flush_shard(std::size_t i) {
        while (shards[i]->poll_transmit(world_time(now_ms), batch)) {
            for (std::size_t r = 0; r < batch.run_count(); ++r) {
                const SendRun& run = batch.run(r);
                const BytesSpan all = batch.bytes(run);
                for (std::size_t at = 0; at < all.size(); at += run.segment_size) {
                    const std::size_t size =
                        std::min<std::size_t>(run.segment_size, all.size() - at);
                    bool is_known = false;
                    for (auto& client : clients) {
                        if (client->address != run.path.remote) continue;
                        is_known = true;
                        if (client.get() != cut)
                            receive(*client, run.path.local, all.subspan(at, size));
                    }
                    strayed += is_known ? 0 : 1;
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
            if (drop_to_shards)
                std::erase_if(to_shards,
                              [&](const Datagram& d) { return drop_to_shards(d.bytes); });
            if (cut != nullptr)
                std::erase_if(to_shards, [&](const Datagram& d) { return d.from == cut->address; });
            deliver_to_shards();
            for (std::size_t round = 0; round < 2; ++round)
                for (std::size_t i = 0; i < shards.size(); ++i) {
                    while (!queues[i].empty()) {
                        const Links::Item item = std::move(queues[i].front());
                        queues[i].pop_front();
                        shards[i]->handle_link(world_time(now_ms), item.message, item.bytes);
                    }
                    if (world_time(now_ms) >= shards[i]->next_deadline())
                        shards[i]->handle_timeout(world_time(now_ms));
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
    bool one_address;
    std::vector<std::unique_ptr<Shard>> shards;
    SendBatch batch;  // one for all sends: making one clears 256 KiB
    std::vector<std::unique_ptr<Client>> clients;
    std::map<Client*, std::deque<std::pair<SocketAddress, Bytes>>> client_out;
    struct Datagram {
        SocketAddress from;
        SocketAddress to;
        Bytes bytes;
    };
    std::deque<Datagram> to_shards;
    std::vector<Event> events;
    std::map<SocketAddress, std::uint32_t> streams;  // of clients that come by TCP
    // A datagram that a client does not get, as it was on the wire.
    std::function<bool(const Client&, BytesView)> lose;
    std::function<bool(BytesView)> drop_to_shards;  // the same for what shards do not get
    int foreign = 0;
    std::size_t strayed = 0;  // datagrams to addresses of no client
    // Whose socket all datagrams come to, as the kernel chooses where workers share a port; from
    // there they cross to their owners.
    std::optional<std::size_t> entrance;
    const Client* cut = nullptr;  // whose network is down
};

// ---------------------------------------------------------------- tracks

inline AddReceiver vp8_receiver(const Client& publisher) {
    AddReceiver add;
    add.receiver = ReceiverId(1000);
    add.peer = publisher.id;
    add.room = RoomId(1);
    add.kind = MediaKind::kVideo;
    add.mid = "0";
    add.codecs = {{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true}};
    add.extensions.mid = 4;
    add.extensions.rid = 5;
    add.layers = {{"", 0, std::nullopt, std::nullopt, 640, 360}};
    return add;
}
inline AddReceiver opus_receiver(const Client& publisher) {
    AddReceiver add;
    add.receiver = ReceiverId(1001);
    add.peer = publisher.id;
    add.room = RoomId(1);
    add.kind = MediaKind::kAudio;
    add.mid = "1";
    add.codecs = {{Codec::kOpus, PayloadType(111), std::nullopt, 48'000, true}};
    add.extensions.mid = 4;
    add.layers = {{}};
    add.microphone = true;
    return add;
}
inline AddDownTrack down_track_to(const Client& subscriber, const AddReceiver& receiver,
                                  WorkerIndex home, std::uint32_t ssrc) {
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
inline Bytes vp8_payload(bool key, std::uint8_t tag, std::size_t size = 900) {
    Bytes payload{
        0x10, static_cast<std::uint8_t>(key ? 0x00 : 0x01), 0, 0, 0x9D, 0x01, 0x2A, 64, 0, 48, 0,
        tag};
    payload.resize(size, tag);
    return payload;
}

// Frames of three packets every 33 ms until `until_ms`.
inline void publish_video(World& world, Client& publisher, std::int64_t until_ms,
                          std::uint16_t& sequence, std::int64_t& frame,
                          bool (*lost)(std::uint16_t) = nullptr) {
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

}  // namespace confab::sfu::test
