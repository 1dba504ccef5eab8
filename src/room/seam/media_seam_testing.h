// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests: the real rooms and a real shard in one virtual time, so that what the two tell each
// other is shown and not supposed. Signalling goes by function call (Harness), media as SRTP
// datagrams between the shard and transports of ours (sfu::test::World).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "room/test_support.h"
#include "sfu/shard/shard_testing.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::room::testing {

class RoomAndShard {
  public:
    // As many shards as the rooms have workers, behind one port.
    explicit RoomAndShard(const Config& config = test_config(),
                          const sfu::ShardOptions& options = {})
        : room(config),
          world(config.media.workers.size(), options, 1, {}, config.media.workers.size() > 1) {
        room.auto_connect = false;  // the shard says so
        if (config.media.workers.size() > 1) world.entrance = 0;
    }

    void run(Duration time) {
        for (std::int64_t ms = 0; ms < time.ms(); ++ms) {
            pass_commands();
            world.run(1);
            while (events_passed_ < world.events.size())
                room.event(world.events[events_passed_++]);
            room.advance(sfu::test::world_time(world.now_ms) - room.now);
        }
    }
    // The client's end of a connection that the room made.
    sfu::test::Client& client(sfu::PeerId peer) { return *clients_.at(peer); }
    void send(sfu::PeerId from, BytesView clear_rtp) {
        sfu::test::Client& sender = client(from);
        sender.send_packet(clear_rtp, world.client_out[&sender]);
    }
    void send_rtcp(sfu::PeerId from, Bytes compound) {
        sfu::test::Client& sender = client(from);
        sender.send_rtcp(std::move(compound), world.client_out[&sender]);
    }
    const sfu::AddReceiver& receiver(std::size_t index) {
        receivers_ = room.commands_of<sfu::AddReceiver>();
        return receivers_.at(index);
    }

    Harness room;
    sfu::test::World world;
    // Of the clients' ends made from now on: what their answer says instead of what suits.
    std::optional<dtls::Role> client_role;

  private:
    void pass_commands() {
        for (; commands_passed_ < room.commands.size(); ++commands_passed_) {
            const sfu::Command command = room.commands[commands_passed_].command;
            if (const auto* create = std::get_if<sfu::CreatePeer>(&command))
                created_[create->peer] = *create;
            world.command(room.commands[commands_passed_].worker, command);
            const auto* remote = std::get_if<sfu::SetRemote>(&command);
            if (remote != nullptr && !clients_.contains(remote->peer)) add_client(*remote);
        }
    }
    void add_client(const sfu::SetRemote& remote) {
        const sfu::CreatePeer& create = created_.at(remote.peer);
        const auto port = static_cast<std::uint16_t>(9000 + world.clients.size());
        auto client = std::make_unique<sfu::test::Client>(port, "seam", world.engine, world.rng);
        peer::TransportConfig config;
        config.ice.local = {remote.remote.ufrag, remote.remote.pwd};
        config.ice.role = create.ice_controlling ? ice::Role::kControlled : ice::Role::kControlling;
        config.ice.candidates = {{0, ice::Protocol::kUdp, client->address}};
        peer::SharedCrypto crypto;
        crypto.engine = &world.engine;
        crypto.simulate_dtls = true;
        client->id = remote.peer;
        client->transport = std::make_unique<peer::Transport>(crypto, config, world.rng.fork());
        peer::RemoteParameters server;
        server.ice = {create.local.ufrag, create.local.pwd};
        const bool worker_serves = remote.local_dtls_role == sfu::DtlsRole::kServer;
        server.local_role =
            client_role.value_or(worker_serves ? dtls::Role::kClient : dtls::Role::kServer);
        server.sctp = remote.sctp;
        const Timestamp now = sfu::test::world_time(world.now_ms);
        client->transport->set_remote(now, server);
        client->transport->add_remote_candidate(
            now, {ice::Protocol::kUdp, sfu::test::World::shard_address(0)});
        clients_[remote.peer] = client.get();
        world.clients.push_back(std::move(client));
    }

    std::map<sfu::PeerId, sfu::CreatePeer> created_;
    std::map<sfu::PeerId, sfu::test::Client*> clients_;
    std::vector<sfu::AddReceiver> receivers_;
    std::size_t commands_passed_ = 0;
    std::size_t events_passed_ = 0;
};

// One stream of a publisher. A packet's number is the next one, its time the one set here.
struct Stream {
    Stream(const sfu::AddReceiver& receiver, std::uint32_t of_ssrc, std::string of_rid = {})
        : ssrc(of_ssrc),
          pt(receiver.codecs.front().pt.value()),
          mid(receiver.mid),
          rid(std::move(of_rid)),
          ids(receiver.extensions) {}
    // What the next packet says of its loudness: -dBov, without speech.
    Stream& at_level(std::uint8_t level) {
        if (ids.audio_level != 0) once.emplace_back(ids.audio_level, Bytes{level});
        return *this;
    }
    Bytes packet(BytesView payload, bool marker = true, std::uint8_t padding = 0) {
        Bytes out(2000);
        ByteWriter writer(out);
        wire::RtpHeader header;
        header.payload_type = pt;
        header.sequence = sequence++;
        header.timestamp = timestamp;
        header.ssrc = ssrc;
        header.marker = marker;
        header.padding_size = padding;
        wire::ExtensionWriter extensions;
        if (named && ids.mid != 0) extensions.add(ids.mid, as_bytes(mid));
        if (named && !rid.empty())
            extensions.add(repairs ? ids.repaired_rid : ids.rid, as_bytes(rid));
        for (const auto& [id, value] : once)
            extensions.add(id, value);
        header.has_extension = !extensions.empty();
        wire::write_rtp_header(writer, header, csrcs);
        extensions.write(writer);
        writer.bytes(payload);
        if (padding > 0) wire::write_rtp_padding(writer, padding);
        out.resize(writer.size());
        once.clear();
        return out;
    }

    std::uint32_t ssrc;
    std::uint8_t pt;
    std::uint16_t sequence = 100;
    std::uint32_t timestamp = 1000;
    std::string mid;
    std::string rid;
    sfu::ReceiveExtensions ids;
    std::vector<std::uint32_t> csrcs;
    bool named = true;                                 // says mid and rid
    bool repairs = false;                              // is the RTX stream of its rid
    std::vector<std::pair<std::uint8_t, Bytes>> once;  // extensions of the next packet alone
};

}  // namespace confab::room::testing
