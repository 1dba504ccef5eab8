// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The UDP half of the relay: listeners, a port towards the server for each client, and the machine
// between them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "netem/datagram_relay.h"
#include "runtime/netem/relay_socket.h"
#include "runtime/worker/socket/poller.h"

namespace confab::netsim {

class UdpSide {
  public:
    // Tags of its sockets in the poller have this in their upper byte.
    enum Tag : std::uint64_t { kListener = 1ULL << 56U, kPort = 2ULL << 56U };

    UdpSide(worker::Poller& poller, netem::Path& path) : poller_(poller), relay_(path) {}

    // Listens at one address for what goes to `server`; returns the address, with its port.
    Result<SocketAddress, std::string> add_route(const SocketAddress& listen,
                                                 const SocketAddress& server);
    // Reads what is ready at the socket of that tag.
    void handle_readable(Timestamp now, std::uint64_t tag);
    // Sends what is due.
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return relay_.next_deadline(); }

    const netem::DatagramRelay& relay() const { return relay_; }
    std::uint64_t not_sent() const { return not_sent_; }  // the kernel did not take them
    std::uint64_t not_read() const;                       // it dropped them before we came
    // Clients that got no port, and why the last one did not.
    std::uint64_t not_opened() const { return not_opened_; }
    const std::string& last_error() const { return last_error_; }

  private:
    struct Route {
        RelaySocket listener;
        SocketAddress server;
    };
    void drain_events();
    void open_port(const netem::DatagramRelay::Event& event);
    void close_port(netem::ClientId client);
    void send_run(std::span<const netem::DatagramRelay::Outgoing> run);

    worker::Poller& poller_;
    netem::DatagramRelay relay_;
    std::vector<Route> routes_;
    std::unordered_map<netem::ClientId, RelaySocket> ports_;
    SocketBatch received_;
    SocketBatch sent_;
    std::array<netem::DatagramRelay::Outgoing, SocketBatch::kSize> due_;
    std::uint64_t not_sent_ = 0;
    std::uint64_t not_read_ = 0;  // by sockets that are closed
    std::uint64_t not_opened_ = 0;
    std::string last_error_;
};

}  // namespace confab::netsim
