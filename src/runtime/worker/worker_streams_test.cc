// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// TCP streams and a shard as a worker joins them, in one thread and a time of its own.
#include "runtime/worker/worker_streams.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <memory>
#include <vector>

#include "runtime/worker/socket/socket_address.h"
#include "sfu/shard/shard.h"

namespace confab::worker {
namespace {

constexpr sfu::PeerId kPeer(1);

struct Rig {
    Rig() : links(0, alone()), streams(poller, 1, 1) {
        address = streams.listen({IpAddress::v4(0x7F000001), 0}, 0).value();
        sfu::ShardConfig config;
        config.simulate_dtls = true;
        config.wall = UnixTime::seconds(1'700'000'000);
        config.candidates = {{0, ice::Protocol::kTcp, address}};
        shard = std::make_unique<sfu::Shard>(std::move(config), now, Rng(7), links);
        join_streams(streams, *shard, links, now);
        sfu::CreatePeer create;
        create.peer = kPeer;
        create.local = {"aserverufrag", "server_password_1234567890"};
        shard->handle_command(now, create);
        sfu::SetRemote remote;
        remote.peer = kPeer;
        remote.remote = {"clientufrag", "client_password_1234567890"};
        shard->handle_command(now, remote);
    }
    // A connectivity check of the peer, in its frame.
    Bytes check() const {
        peer::TransportConfig config;
        config.ice.local = {"clientufrag", "client_password_1234567890"};
        config.ice.role = ice::Role::kControlling;
        config.ice.candidates = {{0, ice::Protocol::kUdp, {IpAddress::v4(0x7F000001), 5000}}};
        srtp::Engine engine;
        peer::SharedCrypto crypto;
        crypto.engine = &engine;
        crypto.simulate_dtls = true;
        peer::Transport client(crypto, config, Rng(3));
        peer::RemoteParameters parameters;
        parameters.ice = {"aserverufrag", "server_password_1234567890"};
        parameters.local_role = dtls::Role::kClient;
        client.set_remote(now, parameters);
        client.add_remote_candidate(now, {ice::Protocol::kUdp, address});
        client.handle_timeout(now);
        const Bytes bytes = to_vector(client.poll_transmit().value().bytes);
        Bytes frame(2);
        store_be16(frame.data(), static_cast<std::uint16_t>(bytes.size()));
        frame.insert(frame.end(), bytes.begin(), bytes.end());
        return frame;
    }
    void open_streams(std::size_t count) {
        const Bytes frame = check();
        const KernelAddress to = to_kernel(address);
        for (std::size_t i = 0; i < count; ++i) {
            FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            REQUIRE(::connect(fd.get(), to.get(), to.size) == 0);
            REQUIRE(::send(fd.get(), frame.data(), frame.size(), MSG_NOSIGNAL) ==
                    static_cast<ssize_t>(frame.size()));
            clients.push_back(std::move(fd));
        }
        for (auto ready = poller.wait(Duration::millis(100)); !ready.empty();
             ready = poller.wait(Duration::millis(30)))
            for (const Poller::Ready& one : ready)
                streams.handle_ready(now, one);
    }
    void pass_seconds(int count) {
        for (int i = 0; i < count; ++i) {
            now = now + Duration::seconds(1);
            streams.handle_timeout(now);
        }
    }

    std::vector<std::unique_ptr<WorkerInbox>>& alone() {
        inboxes.push_back(std::make_unique<WorkerInbox>(1));
        return inboxes;
    }

    Timestamp now = Timestamp::micros(1'000'000);
    std::vector<std::unique_ptr<WorkerInbox>> inboxes;
    WorkerLinks links;
    Poller poller;
    SocketAddress address;
    std::unique_ptr<sfu::Shard> shard;
    TcpConnections streams;
    std::vector<FileDescriptor> clients;
};

}  // namespace

TEST_CASE("Worker: streams of a peer that was closed expire [ICE-08][IMM-15]") {
    Rig rig;
    rig.open_streams(3);
    REQUIRE(rig.streams.size() == 3);
    rig.pass_seconds(120);
    CHECK(rig.streams.size() == 3);
    rig.shard->handle_command(rig.now, sfu::ClosePeer{kPeer});
    rig.pass_seconds(62);
    CHECK(rig.streams.size() == 0);
}

TEST_CASE("Worker: one peer keeps no more streams than it has paths [ICE-08][IMM-15]") {
    Rig rig;
    rig.open_streams(100);
    REQUIRE(rig.streams.size() == 100);
    rig.pass_seconds(62);
    CHECK(rig.streams.size() <= sfu::ShardPeer::kMaxPaths);
    CHECK(rig.streams.size() > 0);
}

}  // namespace confab::worker
