// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What stands between the TURN server's thread and the media workers: for each worker a ring there
// and back, so that what is relayed to and from our own media passes no socket. Everything else
// goes through the kernel, also to and from the same addresses.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/limits/backlog.h"
#include "base/net_address.h"
#include "base/time.h"
#include "runtime/worker/lazy_ring.h"
#include "runtime/worker/relay/relay_table.h"
#include "runtime/worker/wakeup.h"
#include "sfu/packet/packet_pool.h"
#include "sfu/packet/send_batch.h"

namespace confab::worker {

// Where the sockets of relayed addresses are bound.
struct RelayPlace {
    IpAddress bind_v4;  // none: this family is not relayed
    IpAddress bind_v6;
    std::uint16_t first_port = 0;
    std::uint16_t last_port = 0;
    std::uint16_t shared_udp =
        0;  // port of workers that clients of the TURN server use, too; 0: none
    // What clients are told in place of where the sockets are, behind a NAT; none: that.
    IpAddress told_v4 = {};
    IpAddress told_v6 = {};
};

// Whose a datagram is and which way it goes.
struct RelayedHead {
    std::uint64_t allocation = 0;  // whose the relayed port was when this was sent; 0 to workers
    Timestamp arrival;             // at the TURN server
    std::uint16_t socket = 0;      // of the worker, by index
    std::uint16_t port = 0;        // of the relayed address
    Urgency urgency = Urgency::kFirst;  // to the TURN server
};

// One slot of either ring.
struct RelayedDatagram {
    static constexpr std::size_t kCapacity = sfu::PacketPool::kLargeCapacity;

    RelayedHead head;
    std::uint16_t size = 0;
    std::array<std::uint8_t, kCapacity> bytes;
};

// What a client of the TURN server sent to a worker's socket, where the two share a port.
struct ClientDatagram {
    static constexpr std::size_t kCapacity = sfu::PacketPool::kLargeCapacity;

    SocketAddress from;
    std::uint16_t socket = 0;  // of the worker, by index
    std::uint16_t size = 0;
    std::array<std::uint8_t, kCapacity> bytes;
};

class RelayExchange {
  public:
    // Datagrams that wait; what clients send while the ring is full is dropped and counted, as the
    // kernel does with a full socket.
    static constexpr std::size_t kToWorker = 2048;
    // A frame for hundreds of subscribers comes at once. What has no room goes by the kernel, where
    // each client has a socket: those that are sent much do not take the others' audio.
    static constexpr std::size_t kToTurn = 4096;

    // What clients send to a port that is shared, beyond it is dropped and counted.
    static constexpr std::size_t kFromClients = 1024;

    struct Lane {
        LazyRing<RelayedDatagram> to_worker{kToWorker};
        LazyRing<RelayedDatagram> to_turn{kToTurn};
        LazyRing<ClientDatagram> from_clients{kFromClients};
        std::atomic<std::uint64_t> clients_dropped{0};
        Wakeup* bell = nullptr;                    // of the worker
        std::vector<SocketAddress> sockets;        // of the worker
        std::atomic<std::uint64_t> overflowed{0};  // datagrams that the worker left to the kernel
    };

    // `media`: the local addresses of the workers' sockets, the same for all workers.
    RelayExchange(const RelayPlace& place, const std::vector<IpAddress>& media,
                  std::size_t workers);

    // Before the worker's thread and that of the TURN server begin.
    void connect(std::size_t worker, Wakeup& bell, std::vector<SocketAddress> sockets);

    std::size_t workers() const { return lanes_.size(); }
    Lane& lane(std::size_t worker) { return *lanes_[worker]; }
    RelayTable& table() { return table_; }
    Wakeup& turn_bell() { return turn_bell_; }
    // Whether what comes to this port of a worker may be for the TURN server.
    bool shares_udp(std::uint16_t port) const { return shared_udp_ != 0 && port == shared_udp_; }
    // From where a worker's socket sees relayed datagrams come, as through the kernel; none: from
    // nowhere.
    const IpAddress& source(std::size_t socket) const { return sources_[socket]; }
    // The same as clients are told, who signal it as their candidate.
    const IpAddress& told(std::size_t socket) const { return told_[socket]; }

  private:
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::vector<IpAddress> sources_;  // by socket
    std::vector<IpAddress> told_;     // by socket
    RelayTable table_;
    std::uint16_t shared_udp_;
    Wakeup turn_bell_;
};

// Whether datagram `i` of the run is to leave before others (02 DES-06).
inline Urgency urgency_of(const sfu::SendRun& run, std::size_t i) {
    return (run.kept_longest >> i & 1) != 0 ? Urgency::kFirst : Urgency::kGivesWay;
}

// Writes into the ring's next slot; false: it is full, or the datagram has no room in a slot.
bool push(SpscRing<RelayedDatagram>& ring, const RelayedHead& head, BytesView bytes);

}  // namespace confab::worker
