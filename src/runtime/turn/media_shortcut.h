// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The TURN server's end of the RelayExchange: what clients send to our own media goes to its worker
// by a ring, and comes back so, as if it had passed the relayed address's socket. Only for the TURN
// server's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/net_address.h"
#include "base/time.h"
#include "runtime/worker/relay/relay_exchange.h"
#include "turn/allocation.h"

namespace confab::turn_server {

class MediaShortcut {
  public:
    // Of each worker; what is left is read behind what clients sent meanwhile. About what is
    // written to a client by TLS in the same time: with 16 its queue is full after some 190 large
    // ones.
    static constexpr std::size_t kMaxPerRead = 8;
    // The same of what clients sent: as many as from a socket at once.
    static constexpr std::size_t kMaxClientsPerRead = 32;

    struct Counters {
        std::uint64_t to_workers = 0;       // datagrams
        std::uint64_t to_clients = 0;       // without those that no client was to get
        std::uint64_t dropped = 0;          // to workers: the ring was full
        std::uint64_t too_large = 0;        // to workers: no slot has that much room
        std::uint64_t overflowed = 0;       // from workers, left to the kernel: the ring was full
        std::uint64_t clients_dropped = 0;  // datagrams of clients to workers: the ring was full
    };
    // A datagram of a worker, and its address there. False: no client is to get it.
    using Handler =
        std::function<bool(turn::AllocationHandle, const SocketAddress&, BytesView, Urgency)>;

    // The exchange knows its workers' sockets.
    explicit MediaShortcut(worker::RelayExchange& exchange);

    // The relayed address's port is bound; from now on workers send to this allocation by the ring.
    void open(turn::AllocationHandle allocation, IpAddress::Family family, std::uint16_t port);
    void close(IpAddress::Family family, std::uint16_t port);

    // From the relayed port to a socket of ours. False: `peer` is none, or not to be reached from
    // relayed addresses.
    bool send(Timestamp now, std::uint16_t port, const SocketAddress& peer, BytesView bytes);
    void ring_bells();

    // What workers sent, in the order of each. What `handler` throws on is not read again.
    void read(const Handler& handler);
    // What clients sent to sockets of workers that take it for us, and where it came to.
    using ClientHandler =
        std::function<void(const worker::ClientDatagram&, const SocketAddress& local)>;
    void read_clients(const ClientHandler& handler);
    bool has_input() const;

    worker::Wakeup& bell() { return exchange_.turn_bell(); }
    Counters counters() const;

  private:
    static constexpr std::uint8_t kUnknown = 0xFF;

    // One of our sockets' addresses: several workers may share it.
    struct Target {
        std::uint16_t socket = 0;
        std::vector<std::uint8_t> workers;
    };
    std::uint8_t worker_for(const Target& target, IpAddress::Family family,
                            std::uint16_t port) const;
    void take(std::uint8_t worker, const worker::RelayedDatagram& datagram, const Handler& handler);

    worker::RelayExchange& exchange_;
    std::unordered_map<SocketAddress, Target> targets_;
    // Which worker answered a check from a relayed port last: the one that has its client. Before,
    // who sent first. By RelayTable::place.
    std::vector<std::uint8_t> home_;
    std::vector<bool> bells_;  // by worker
    Counters counters_;
};

}  // namespace confab::turn_server
