// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests and benchmarks: shards and their clients in one thread, with virtual time and keys made
// without DTLS (02 DES-53). Signalling packets of ICE go by function call, what workers say to each
// other by their real rings; what becomes of media is the caller's business.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/worker/worker_links.h"
#include "sfu/shard/shard.h"
#include "wire/rtp/rtp.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::worker {

struct RoomClient {
    sfu::PeerId id;
    SocketAddress address;
    std::size_t worker = 0;
    std::unique_ptr<peer::Transport> transport;
};

class TestRoom {
  public:
    // Worker i has the address `local` with the i-th next port.
    explicit TestRoom(const SocketAddress& local,
                      srtp::Profile profile = srtp::Profile::kAeadAes128Gcm,
                      std::size_t workers = 1)
        : local_(local), profile_(profile) {
        for (std::size_t i = 0; i < workers; ++i)
            inboxes_.push_back(std::make_unique<WorkerInbox>(workers));
        for (std::size_t i = 0; i < workers; ++i) {
            sfu::ShardConfig config;
            config.index = static_cast<sfu::WorkerIndex>(i);
            config.worker_count = workers;
            config.simulate_dtls = true;
            config.wall = UnixTime::seconds(1'700'000'000);
            config.candidates = {{0, ice::Protocol::kUdp, address_of(i)}};
            links_.push_back(std::make_unique<WorkerLinks>(config.index, inboxes_));
            shards_.push_back(
                std::make_unique<sfu::Shard>(config, now_, Rng(100 + i), *links_.back()));
        }
    }

    sfu::Shard& shard(std::size_t worker = 0) { return *shards_[worker]; }
    std::size_t workers() const { return shards_.size(); }
    Timestamp now() const { return now_; }
    void advance(Duration by) { now_ = now_ + by; }

    RoomClient& add_client(const SocketAddress& address, std::size_t worker = 0) {
        clients_.push_back(std::make_unique<RoomClient>());
        RoomClient& client = *clients_.back();
        client.id = sfu::PeerId(clients_.size());
        client.address = address;
        client.worker = worker;
        by_address_[address] = &client;
        const std::string name = sfu::kOwnerLetters[worker] + std::to_string(clients_.size());
        peer::TransportConfig config;
        config.ice.local = {name + "clientufrag", name + "_client_password_1234567890"};
        config.ice.role = ice::Role::kControlling;
        config.ice.candidates = {{0, ice::Protocol::kUdp, address}};
        config.profiles = {profile_};
        peer::SharedCrypto crypto;
        crypto.engine = &engine_;
        crypto.simulate_dtls = true;
        client.transport = std::make_unique<peer::Transport>(crypto, config, rng_.fork());
        const ice::Credentials server{name + "serverufrag", name + "_server_password_1234567890"};
        sfu::CreatePeer create;
        create.peer = client.id;
        create.local = {server.ufrag, server.pwd};
        create.srtp_profiles = {static_cast<sfu::SrtpProfile>(profile_)};
        shards_[worker]->handle_command(now_, create);
        sfu::SetRemote remote;
        remote.peer = client.id;
        remote.remote = {config.ice.local.ufrag, config.ice.local.pwd};
        shards_[worker]->handle_command(now_, remote);
        peer::RemoteParameters parameters;
        parameters.ice = server;
        parameters.local_role = dtls::Role::kClient;
        client.transport->set_remote(now_, parameters);
        client.transport->add_remote_candidate(now_, {ice::Protocol::kUdp, address_of(worker)});
        return client;
    }

    // What other workers said to this one.
    void read_links(std::size_t worker) {
        for (const auto& lane : inboxes_[worker]->from_workers) {
            SpscRing<PeerSlot>* ring = lane->consumer();
            while (PeerSlot* slot = ring == nullptr ? nullptr : ring->front()) {
                shards_[worker]->handle_link(now_, slot->link,
                                             BytesView(slot->bytes).first(slot->size));
                ring->release();
            }
        }
    }
    // Lets ICE talk for a while; media that the shards send meanwhile is lost.
    void run(Duration time) {
        constexpr Duration kStep = Duration::millis(10);
        for (const Timestamp end = now_ + time; now_ < end; now_ = now_ + kStep) {
            for (const auto& client : clients_)
                run_client(*client);
            for (std::size_t i = 0; i < shards_.size(); ++i)
                run_shard(i);
        }
    }
    bool all_connected() const {
        for (const auto& client : clients_)
            if (!client->transport->connected()) return false;
        std::size_t peers = 0;
        for (const auto& shard : shards_)
            peers += shard->snapshot().peers;
        return peers == clients_.size();
    }

    // One SRTP packet as `client` would send it; `sequence` is its SRTP index too.
    static Bytes protect(RoomClient& client, wire::RtpHeader header, std::uint64_t sequence,
                         BytesView payload, std::string_view mid) {
        Bytes packet(1500);
        ByteWriter writer(packet);
        wire::ExtensionWriter extensions;
        extensions.add(kMidId, as_bytes(mid));
        header.sequence = static_cast<std::uint16_t>(sequence);
        header.has_extension = true;
        wire::write_rtp_header(writer, header);
        extensions.write(writer);
        packet.resize(
            client.transport->srtp_sender()->protect_rtp(packet, writer.size(), payload, sequence));
        return packet;
    }
    // A datagram from `from`, received as the worker does it.
    void datagram(const SocketAddress& from, BytesView bytes, std::size_t worker = 0) {
        sfu::PacketRef packet = shards_[worker]->pool().acquire_large();
        std::copy(bytes.begin(), bytes.end(), packet.buffer().begin());
        packet.set_size(bytes.size());
        ice::Path path;
        path.local = address_of(worker);
        path.remote = from;
        (void)shards_[worker]->handle_datagram(now_, path, packet);
    }

    static constexpr std::uint8_t kMidId = 4;

    static sfu::AddReceiver receiver(const RoomClient& publisher, std::uint64_t id,
                                     sfu::Codec codec) {
        const bool video = sfu::kind_of(codec) == sfu::MediaKind::kVideo;
        sfu::AddReceiver add;
        add.receiver = sfu::ReceiverId(id);
        add.peer = publisher.id;
        add.room = sfu::RoomId(1);
        add.kind = sfu::kind_of(codec);
        add.mid = "0";
        add.codecs = {
            {codec, PayloadType(video ? 96 : 111), std::nullopt, video ? 90'000U : 48'000U, true}};
        add.extensions.mid = kMidId;
        add.layers = {{}};
        add.microphone = !video;
        return add;
    }
    static sfu::AddDownTrack down_track(const RoomClient& subscriber, const sfu::AddReceiver& of,
                                        std::uint32_t ssrc) {
        sfu::AddDownTrack add;
        add.down_track = sfu::DownTrackId(ssrc);
        add.peer = subscriber.id;
        add.receiver = of.receiver;
        add.kind = of.kind;
        add.ssrc = Ssrc(ssrc);
        add.rtx_ssrc = Ssrc(ssrc + 1);
        add.codecs = {
            {of.codecs[0].codec, of.codecs[0].pt, PayloadType(97), of.codecs[0].clock_rate, true}};
        add.extensions.abs_send_time = 3;
        add.cname = "PA_x|TR_y";
        return add;
    }
    // A packet of a VP8 frame with the descriptor that browsers send (RFC 7741 §4.2).
    static Bytes vp8_payload(bool first, bool key, std::uint16_t picture, std::size_t size) {
        Bytes payload{static_cast<std::uint8_t>(first ? 0x90 : 0x80),
                      0xF0,
                      static_cast<std::uint8_t>(0x80 | (picture >> 8)),
                      static_cast<std::uint8_t>(picture),
                      static_cast<std::uint8_t>(picture),
                      0x00};
        if (first)
            payload.insert(payload.end(), {static_cast<std::uint8_t>(key ? 0 : 1), 0, 0, 0x9D, 0x01,
                                           0x2A, 64, 0, 48, 0});
        payload.resize(size, static_cast<std::uint8_t>(picture));
        return payload;
    }

  private:
    SocketAddress address_of(std::size_t worker) const {
        return {local_.ip, static_cast<std::uint16_t>(local_.port + worker)};
    }
    void run_shard(std::size_t worker) {
        sfu::Shard& shard = *shards_[worker];
        read_links(worker);
        shard.handle_timeout(now_);
        while (shard.poll_transmit(now_, batch_)) {
            for (std::size_t i = 0; i < batch_.run_count(); ++i)
                deliver(batch_.run(i));
            batch_.clear();
        }
        while (shard.poll_event()) {
        }
    }
    void run_client(RoomClient& client) {
        if (now_ >= client.transport->next_deadline()) client.transport->handle_timeout(now_);
        while (const auto sent = client.transport->poll_transmit())
            datagram(client.address, sent->bytes, client.worker);
        while (client.transport->poll_event()) {
        }
    }
    void deliver(const sfu::SendRun& run) {
        const auto found = by_address_.find(run.path.remote);
        if (found == by_address_.end()) return;
        ice::Path path;
        path.local = run.path.remote;
        path.remote = run.path.local;
        const BytesSpan all = batch_.bytes(run);
        for (std::size_t at = 0; at < all.size(); at += run.segment_size) {
            const std::size_t size = std::min<std::size_t>(run.segment_size, all.size() - at);
            (void)found->second->transport->handle_packet(now_, path, all.subspan(at, size));
        }
    }

    SocketAddress local_;
    srtp::Profile profile_;
    Timestamp now_ = Timestamp::micros(1'000'000);
    Rng rng_{5};
    srtp::Engine engine_;
    std::vector<std::unique_ptr<WorkerInbox>> inboxes_;
    std::vector<std::unique_ptr<WorkerLinks>> links_;
    std::vector<std::unique_ptr<sfu::Shard>> shards_;
    std::vector<std::unique_ptr<RoomClient>> clients_;
    std::unordered_map<SocketAddress, RoomClient*> by_address_;
    sfu::SendBatch batch_;
};

}  // namespace confab::worker
