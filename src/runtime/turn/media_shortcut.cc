// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/turn/media_shortcut.h"

#include <algorithm>

#include "base/check.h"

namespace confab::turn_server {

using worker::RelayedDatagram;
using worker::RelayExchange;
using worker::SpscRing;

namespace {

// Gives the slot back also when its reader throws, who would have it again otherwise.
template <typename T>
class Slot {
  public:
    explicit Slot(SpscRing<T>& ring) : ring_(ring) {}
    ~Slot() { ring_.release(); }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;

  private:
    SpscRing<T>& ring_;
};

// A success response of Binding (RFC 8489 §5): who sends it knows the password of a client that
// asked from there. Anybody's requests go where others' candidates say.
bool is_answer(BytesView bytes) {
    return bytes.size() >= 2 && bytes[0] == 0x01 && bytes[1] == 0x01;
}

}  // namespace

MediaShortcut::MediaShortcut(RelayExchange& exchange)
    : exchange_(exchange),
      home_(exchange.table().places(), kUnknown),
      bells_(exchange.workers(), false) {
    CONFAB_CHECK(exchange.workers() < kUnknown);
    for (std::size_t i = 0; i < exchange.workers(); ++i) {
        const std::vector<SocketAddress>& sockets = exchange.lane(i).sockets;
        for (std::size_t socket = 0; socket < sockets.size(); ++socket) {
            if (exchange.source(socket).is_none()) continue;
            Target& target = targets_[sockets[socket]];
            target.socket = static_cast<std::uint16_t>(socket);
            target.workers.push_back(static_cast<std::uint8_t>(i));
        }
    }
}

void MediaShortcut::open(turn::AllocationHandle allocation, IpAddress::Family family,
                         std::uint16_t port) {
    home_[exchange_.table().place(family, port)] = kUnknown;
    exchange_.table().open(family, port, allocation.packed());
}

void MediaShortcut::close(IpAddress::Family family, std::uint16_t port) {
    exchange_.table().close(family, port);
}

bool MediaShortcut::send(Timestamp now, std::uint16_t port, const SocketAddress& peer,
                         BytesView bytes) {
    const auto found = targets_.find(peer);
    if (found == targets_.end()) return false;
    const std::uint8_t to = worker_for(found->second, peer.ip.family(), port);
    if (bytes.size() > RelayedDatagram::kCapacity) {
        ++counters_.too_large;
        return true;
    }
    const bool sent = worker::push(exchange_.lane(to).to_worker.producer(),
                                   {0, now, found->second.socket, port}, bytes);
    ++(sent ? counters_.to_workers : counters_.dropped);
    bells_[to] = true;
    return true;
}

// Any of them leads to the right one; the client's own spares the way from worker to worker. All
// begin with the same, so that a few clients do not make the rings of many workers.
std::uint8_t MediaShortcut::worker_for(const Target& target, IpAddress::Family family,
                                       std::uint16_t port) const {
    const std::uint8_t home = home_[exchange_.table().place(family, port)];
    const std::vector<std::uint8_t>& workers = target.workers;
    const bool known = std::find(workers.begin(), workers.end(), home) != workers.end();
    return known ? home : workers.front();
}

void MediaShortcut::ring_bells() {
    for (std::size_t i = 0; i < bells_.size(); ++i) {
        if (bells_[i]) exchange_.lane(i).bell->notify();
        bells_[i] = false;
    }
}

void MediaShortcut::read(const Handler& handler) {
    for (std::size_t i = 0; i < exchange_.workers(); ++i) {
        SpscRing<RelayedDatagram>* const ring = exchange_.lane(i).to_turn.consumer();
        if (ring == nullptr) continue;
        for (std::size_t k = 0; k < kMaxPerRead; ++k) {
            const RelayedDatagram* const datagram = ring->front();
            if (datagram == nullptr) break;
            const Slot<RelayedDatagram> slot(*ring);
            take(static_cast<std::uint8_t>(i), *datagram, handler);
        }
    }
}

void MediaShortcut::read_clients(const ClientHandler& handler) {
    for (std::size_t i = 0; i < exchange_.workers(); ++i) {
        RelayExchange::Lane& lane = exchange_.lane(i);
        SpscRing<worker::ClientDatagram>* const ring = lane.from_clients.consumer();
        if (ring == nullptr) continue;
        for (std::size_t k = 0; k < kMaxClientsPerRead; ++k) {
            const worker::ClientDatagram* const datagram = ring->front();
            if (datagram == nullptr) break;
            const Slot<worker::ClientDatagram> slot(*ring);
            handler(*datagram, lane.sockets[datagram->socket]);
        }
    }
}

// An allocation that has ended meanwhile is found no more, whoever has its port now.
void MediaShortcut::take(std::uint8_t worker, const RelayedDatagram& datagram,
                         const Handler& handler) {
    const auto& [allocation, arrival, socket, port, urgency] = datagram.head;
    const SocketAddress& from = exchange_.lane(worker).sockets[socket];
    const BytesView bytes = BytesView(datagram.bytes).first(datagram.size);
    if (exchange_.table().owner(from.ip.family(), port) == allocation) {
        std::uint8_t& home = home_[exchange_.table().place(from.ip.family(), port)];
        if (home == kUnknown || is_answer(bytes)) home = worker;
    }
    const turn::AllocationHandle handle{static_cast<std::uint32_t>(allocation),
                                        static_cast<std::uint32_t>(allocation >> 32)};
    if (handler(handle, from, bytes, urgency)) ++counters_.to_clients;
}

bool MediaShortcut::has_input() const {
    for (std::size_t i = 0; i < exchange_.workers(); ++i)
        if (!exchange_.lane(i).to_turn.empty() || !exchange_.lane(i).from_clients.empty())
            return true;
    return false;
}

MediaShortcut::Counters MediaShortcut::counters() const {
    Counters all = counters_;
    for (std::size_t i = 0; i < exchange_.workers(); ++i) {
        const RelayExchange::Lane& lane = exchange_.lane(i);
        all.overflowed += lane.overflowed.load(std::memory_order_relaxed);
        all.clients_dropped += lane.clients_dropped.load(std::memory_order_relaxed);
    }
    return all;
}

}  // namespace confab::turn_server
