// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests: calls over networks that are cut. Real rooms, a real media shard and clients made of
// our own transports over UDP and TCP, which resume when they are told to, in virtual time.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "room/test_support.h"
#include "sfu/shard/shard.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::room::outage {

using testing::Harness;

inline const IpAddress kHost = IpAddress::v4(0x7F000001);
inline const SocketAddress kUdpPort{kHost, 7000};
inline const SocketAddress kTcpPort{kHost, 7100};
constexpr Duration kStep = Duration::millis(10);

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
    return text;
}

struct NoLinks final : sfu::ShardLinks {
    bool push(sfu::WorkerIndex, const sfu::LinkMessage&, BytesView) override { return false; }
};

// The client's end of one connection: a UDP socket and, behind `tcp`, a stream. Our agent opens no
// streams by itself, so it takes the stream for a second UDP socket; the network knows better.
struct Connection {
    std::unique_ptr<peer::Transport> transport;
    ice::Credentials local;
    SocketAddress udp;
    SocketAddress tcp;
    std::size_t received = 0;  // RTP
    std::optional<sfu::PeerId> peer;
};

struct Client {
    std::string name;
    bool single = false;
    SessionId session;
    Connection up;    // the client offers
    Connection down;  // we offer; unused when single
    std::uint32_t ssrc = 0;
    std::uint64_t sequence = 0;
    std::uint32_t offers = 0;
    int generation = 0;
    bool resume_wanted = false;
    std::vector<Timestamp> resumes;
    // With each second's ping it says that the last one took so long.
    std::optional<std::int64_t> ping_ms;
    Connection& receiving() { return single ? up : down; }
};

struct Call {
    // `dtls`: of the shard; clients then never answer its handshake. Without, none is needed.
    explicit Call(bool with_tcp_streams, const dtls::Context* dtls = nullptr)
        : with_tcp(with_tcp_streams), h(testing::test_config()) {
        h.auto_connect = h.auto_answer = false;
        sfu::ShardConfig config;
        config.simulate_dtls = dtls == nullptr;
        config.dtls = dtls;
        config.wall = UnixTime::seconds(1'700'000'000);
        config.candidates = {{0, ice::Protocol::kUdp, kUdpPort},
                             {0, ice::Protocol::kTcp, kTcpPort}};
        shard = std::make_unique<sfu::Shard>(config, h.now, Rng(1), links);
    }

    // ------------------------------------------------------------ clients
    void open(Connection& c, bool offers, std::string ufrag, std::string pwd) {
        const auto port = static_cast<std::uint16_t>(9000 + 10 * ++opened);
        c.udp = {IpAddress::v4(0x7F000002), port};
        c.tcp = {IpAddress::v4(0x7F000002), static_cast<std::uint16_t>(port + 1)};
        c.local = {std::move(ufrag), std::move(pwd)};
        peer::TransportConfig config;
        config.ice.local = c.local;
        config.ice.role = offers ? ice::Role::kControlling : ice::Role::kControlled;
        config.ice.candidates = {{0, ice::Protocol::kUdp, c.udp}};
        if (with_tcp) config.ice.candidates.push_back({1, ice::Protocol::kUdp, c.tcp});
        peer::SharedCrypto crypto;
        crypto.engine = &engine;
        crypto.simulate_dtls = true;
        c.transport = std::make_unique<peer::Transport>(crypto, config, rng.fork());
    }
    Client& join(const std::string& name, bool single) {
        Client& client = *clients.emplace_back(std::make_unique<Client>());
        client.name = name;
        client.single = single;
        client.ssrc = 1000 + static_cast<std::uint32_t>(clients.size());
        open(client.up, true, up_ufrag(client), "clientpasswordclientpassword");
        if (!single) open(client.down, false, down_ufrag(client), "answerpasswordanswerpassword");
        connect_signal(client, false);
        return client;
    }
    static std::string up_ufrag(const Client& c) {
        return c.name + "up" + std::to_string(c.generation);
    }
    static std::string down_ufrag(const Client& c) {
        return c.name + "down" + std::to_string(c.generation);
    }
    std::string description(Client& c) {
        std::vector<testing::OfferedTrack> tracks;
        if (c.offers > 0) tracks.push_back({"mic-" + c.name, false, {}});
        ++c.offers;
        return testing::make_offer(tracks, c.single ? 1 : 0, 0, up_ufrag(c));
    }
    void connect_signal(Client& c, bool reconnect) {
        JoinParams params = testing::test_join("r", c.name);
        params.reconnect = reconnect;
        params.single_connection = c.single;
        if (c.single && !reconnect) {
            params.publisher_offer.emplace();
            params.publisher_offer->set_sdp(description(c));
        }
        c.session = h.join(params);
    }
    void publish(Client& c) {
        if (c.offers == 0) ++c.offers;
        h.add_track(c.session, "mic-" + c.name, false);
        h.offer(c.session, description(c), c.offers);
    }
    // What an SDK does after a leave with RESUME, or when its connection failed: SIG-160.
    void resume(Client& c) {
        c.resume_wanted = false;
        c.resumes.push_back(h.now);
        ++c.generation;
        connect_signal(c, true);
        restart(c.up, up_ufrag(c));
        if (!c.single) restart(c.down, down_ufrag(c));
        h.offer(c.session, description(c), c.offers);
    }
    void restart(Connection& c, const std::string& ufrag) {
        c.local.ufrag = ufrag;
        c.transport->restart_ice(h.now, {c.local, false});
    }
    void ping(const Client& c) {
        livekit::SignalRequest request;
        request.mutable_ping_req()->set_rtt(*c.ping_ms);
        h.send(c.session, request);
    }
    void signals(Client& c) {
        for (const livekit::SignalResponse& response : h.take(c.session)) {
            if (response.has_leave())
                c.resume_wanted = response.leave().action() == livekit::LeaveRequest::RESUME;
            if (response.has_media_sections_requirement())
                h.offer(c.session, description(c), c.offers);
            if (!response.has_offer()) continue;
            livekit::SignalRequest request;
            const std::string sdp = testing::make_answer(response.offer().sdp());
            request.mutable_answer()->set_type("answer");
            request.mutable_answer()->set_id(response.offer().id());
            request.mutable_answer()->set_sdp(
                replaced(sdp, "ice-ufrag:answ\r", "ice-ufrag:" + down_ufrag(c) + "\r"));
            h.send(c.session, request);
        }
    }

    // ------------------------------------------------------------ control and media
    Connection* connection_of(std::string_view ufrag) {
        for (const auto& client : clients)
            for (Connection* c : {&client->up, &client->down})
                if (c->transport && c->local.ufrag == ufrag) return c;
        return nullptr;
    }
    void commands() {
        for (; taken < h.commands.size(); ++taken) {
            sfu::Command& command = h.commands[taken].command;
            if (const auto* create = std::get_if<sfu::CreatePeer>(&command))
                server[create->peer] = create->local;
            if (const auto* again = std::get_if<sfu::RestartIce>(&command))
                server[again->peer] = again->local;
            if (const auto* remote = std::get_if<sfu::SetRemote>(&command))
                if (Connection* c = connection_of(remote->remote.ufrag)) describe(*c, *remote);
            shard->handle_command(h.now, command);
        }
    }
    void describe(Connection& c, const sfu::SetRemote& remote) {
        peer::RemoteParameters parameters;
        const sfu::IceCredentials& theirs = server.at(remote.peer);
        parameters.ice = {theirs.ufrag, theirs.pwd};
        parameters.local_role = remote.local_dtls_role == sfu::DtlsRole::kServer
                                    ? dtls::Role::kClient
                                    : dtls::Role::kServer;
        c.peer = remote.peer;
        c.transport->set_remote(h.now, parameters);
        c.transport->add_remote_candidate(h.now, {ice::Protocol::kUdp, kUdpPort});
        if (with_tcp) c.transport->add_remote_candidate(h.now, {ice::Protocol::kUdp, kTcpPort});
    }
    bool passes(const SocketAddress& client, const SocketAddress& port) const {
        const bool tcp = port == kTcpPort;
        const bool client_tcp = client.port % 10 == 1;
        return tcp == client_tcp && !(tcp ? tcp_cut : udp_cut);
    }
    void to_shard(const SocketAddress& from, const SocketAddress& to, BytesView bytes) {
        if (!passes(from, to)) return;
        sfu::PacketRef packet = shard->pool().acquire_large();
        std::copy(bytes.begin(), bytes.end(), packet.buffer().begin());
        packet.set_size(bytes.size());
        ice::Path path;
        path.local = to;
        path.remote = from;
        if (to == kTcpPort) path.protocol = ice::Protocol::kTcp, path.tcp_connection = from.port;
        (void)shard->handle_datagram(h.now, path, std::move(packet));
    }
    void run_connection(Connection& c) {
        if (!c.transport) return;
        if (h.now >= c.transport->next_deadline()) c.transport->handle_timeout(h.now);
        while (const auto datagram = c.transport->poll_transmit())
            to_shard(datagram->path.local, datagram->path.remote, datagram->bytes);
        while (c.transport->poll_event()) {
        }
    }
    void send_audio(Client& c) {
        const auto& path = c.up.transport->path();
        if (c.offers < 2 || c.up.transport->srtp_sender() == nullptr || !path) return;
        Bytes packet(300);
        ByteWriter writer(packet);
        wire::ExtensionWriter extensions;
        extensions.add(4, as_bytes(c.single ? "2" : "1"));
        wire::RtpHeader header;
        header.payload_type = 111;
        header.ssrc = c.ssrc;
        header.sequence = static_cast<std::uint16_t>(++c.sequence);
        header.timestamp = static_cast<std::uint32_t>(c.sequence * 480);
        header.has_extension = true;
        wire::write_rtp_header(writer, header);
        extensions.write(writer);
        const Bytes payload(80, 0x78);
        packet.resize(
            c.up.transport->srtp_sender()->protect_rtp(packet, writer.size(), payload, c.sequence));
        to_shard(path->local, path->remote, packet);
    }
    void from_shard() {
        while (shard->poll_transmit(h.now, batch)) {
            for (std::size_t i = 0; i < batch.run_count(); ++i) {
                const sfu::SendRun& run = batch.run(i);
                const BytesSpan all = batch.bytes(run);
                for (std::size_t at = 0; at < all.size(); at += run.segment_size)
                    to_client(run.path, all.subspan(at, std::min<std::size_t>(run.segment_size,
                                                                              all.size() - at)));
            }
            batch.clear();
        }
        while (auto event = shard->poll_event())
            h.event(*event);
    }
    void to_client(const ice::Path& from, BytesView datagram) {
        if (!passes(from.remote, from.local)) return;
        for (const auto& client : clients)
            for (Connection* c : {&client->up, &client->down}) {
                if (!c->transport || (c->udp != from.remote && c->tcp != from.remote)) continue;
                Bytes bytes = to_vector(datagram);
                ice::Path path;
                path.socket = c->tcp == from.remote ? 1 : 0;
                path.local = from.remote;
                path.remote = from.local;
                const auto media = c->transport->handle_packet(h.now, path, bytes);
                c->received += media.kind == peer::Transport::Media::Kind::kRtp ? 1 : 0;
            }
    }
    void run(Duration time) {
        for (const Timestamp end = h.now + time; h.now < end;) {
            h.advance(kStep);
            const bool second = h.now.ms() / 1000 != (h.now - kStep).ms() / 1000;
            for (const auto& client : clients) {
                if (second && client->ping_ms) ping(*client);
                signals(*client);
                if (client->resume_wanted && !signal_cut) resume(*client);
            }
            commands();
            for (const auto& client : clients) {
                run_connection(client->up);
                run_connection(client->down);
                send_audio(*client);
            }
            if (h.now >= shard->next_deadline()) shard->handle_timeout(h.now);
            from_shard();
        }
    }
    // Packets that `to` gets within half a second; each client sends 50.
    std::size_t heard(Client& to) {
        const std::size_t before = to.receiving().received;
        run(Duration::millis(500));
        return to.receiving().received - before;
    }

    bool with_tcp;
    bool udp_cut = false;
    bool tcp_cut = false;
    bool signal_cut = false;
    Harness h;
    NoLinks links;
    srtp::Engine engine;
    Rng rng{9};
    std::unique_ptr<sfu::Shard> shard;
    sfu::SendBatch batch;
    std::vector<std::unique_ptr<Client>> clients;
    std::map<sfu::PeerId, sfu::IceCredentials> server;
    std::size_t taken = 0;
    int opened = 0;
};

struct TwoInCall : Call {
    TwoInCall(bool single, bool with_tcp_streams)
        : Call(with_tcp_streams), alice(join("alice", single)), bob(join("bob", single)) {
        run(Duration::seconds(1));
        publish(alice);
        publish(bob);
        run(Duration::seconds(2));
        CHECK(heard(alice) > 40);
        CHECK(heard(bob) > 40);
    }
    Client& alice;
    Client& bob;
};

}  // namespace confab::room::outage
