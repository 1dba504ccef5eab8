// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One connection of a shard without the shard, and its other end, for tests of both directions.
#pragma once

#include <memory>

#include "sfu/peer/shard_peer.h"
#include "sfu/shard/shard_testing.h"

namespace confab::sfu::test {

// A peer and the other end of its connection, with counter-mode encryption. Those with different
// numbers may share a worker.
struct PeerPair {
    explicit PeerPair(std::uint16_t number = 1,
                      srtp::Profile profile = srtp::Profile::kAes128CmSha1_80,
                      std::unique_ptr<BandwidthPort> bandwidth = make_bandwidth({}))
        : there{IpAddress::v4(0x7F000002), static_cast<std::uint16_t>(8999 + number)} {
        peer::SharedCrypto crypto{&engine, nullptr, true};
        peer::TransportConfig server;
        server.ice.local = {"server_ufrag", "server_password_1234567890"};
        server.ice.candidates = {{0, ice::Protocol::kUdp, here}};
        server.profiles = {profile};
        peer::TransportConfig client = server;
        client.ice.local = {"client_ufrag", "client_password_1234567890"};
        client.ice.role = ice::Role::kControlling;
        client.ice.candidates = {{0, ice::Protocol::kUdp, there}};
        local =
            std::make_unique<ShardPeer>(PeerId(number), crypto, server, std::move(bandwidth), rng);
        remote = std::make_unique<peer::Transport>(crypto, client, rng.fork());
        peer::RemoteParameters parameters;
        parameters.ice = client.ice.local;
        parameters.local_role = dtls::Role::kServer;
        local->transport().set_remote(world_time(0), parameters);
        parameters.ice = server.ice.local;
        parameters.local_role = dtls::Role::kClient;
        remote->set_remote(world_time(0), parameters);
        remote->add_remote_candidate(world_time(0), {ice::Protocol::kUdp, here});
        for (int ms = 0; ms < 400 && !(local->transport().connected() && remote->connected()); ++ms)
            for (auto [from, to] : {std::pair{&local->transport(), remote.get()},
                                    std::pair{remote.get(), &local->transport()}}) {
                from->handle_timeout(world_time(ms));
                while (const auto datagram = from->poll_transmit()) {
                    Bytes bytes = to_vector(datagram->bytes);
                    (void)to->handle_packet(
                        world_time(ms),
                        {0, ice::Protocol::kUdp, 0, to == remote.get() ? there : here,
                         to == remote.get() ? here : there},
                        bytes);
                }
            }
    }
    SocketAddress here{IpAddress::v4(0x7F000001), 7000};
    SocketAddress there;
    Rng rng{7};
    srtp::Engine engine;
    std::unique_ptr<ShardPeer> local;
    std::unique_ptr<peer::Transport> remote;
};

}  // namespace confab::sfu::test
