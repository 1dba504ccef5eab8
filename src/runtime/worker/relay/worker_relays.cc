// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/relay/worker_relays.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "wire/first_bytes.h"

namespace confab::worker {

WorkerRelays::WorkerRelays(std::size_t self, RelayExchange* exchange)
    : exchange_(exchange), lane_(exchange == nullptr ? nullptr : &exchange->lane(self)) {}

const RelayedDatagram* WorkerRelays::front() {
    SpscRing<RelayedDatagram>* const ring =
        lane_ == nullptr ? nullptr : lane_->to_worker.consumer();
    return ring == nullptr ? nullptr : ring->front();
}

void WorkerRelays::release() {
    lane_->to_worker.consumer()->release();
}

ice::Path WorkerRelays::path_of(const RelayedDatagram& datagram) const {
    ice::Path path;
    path.socket = datagram.head.socket;
    path.local = lane_->sockets[path.socket];
    path.remote = {exchange_->told(path.socket), datagram.head.port};
    return path;
}

void WorkerRelays::send(sfu::SendBatch& batch) {
    if (lane_ == nullptr || exchange_->table().empty()) return;
    bool any = false;
    for (std::size_t i = 0; i < batch.run_count(); ++i) {
        const sfu::SendRun& run = batch.run(i);
        const std::uint64_t allocation = allocation_at(run.path);
        if (allocation == 0) continue;
        any = true;
        if (send(allocation, run, batch.bytes(run)))
            batch.mark_sent(i);
        else
            batch.redirect(i, exchange_->source(run.path.socket));
    }
    // Not at the end of the turn: a frame for a large room is many batches, and would fill the
    // ring.
    if (any) exchange_->turn_bell().notify();
}

bool WorkerRelays::take_client(std::uint16_t socket, const SocketAddress& from,
                               BytesView datagram) {
    if (lane_ == nullptr || !exchange_->shares_udp(lane_->sockets[socket].port) ||
        !wire::is_for_turn(datagram))
        return false;
    SpscRing<ClientDatagram>& ring = lane_->from_clients.producer();
    ClientDatagram* const slot =
        datagram.size() > ClientDatagram::kCapacity ? nullptr : ring.claim();
    if (slot == nullptr) {
        lane_->clients_dropped.fetch_add(1, std::memory_order_relaxed);
        return true;
    }
    slot->from = from;
    slot->socket = socket;
    slot->size = static_cast<std::uint16_t>(datagram.size());
    std::copy(datagram.begin(), datagram.end(), slot->bytes.begin());
    ring.publish();
    client_waits_ = true;
    return true;
}

void WorkerRelays::ring_bell() {
    if (std::exchange(client_waits_, false)) exchange_->turn_bell().notify();
}

// 0: the path leads to no relayed address, or not by the way that its datagrams come.
std::uint64_t WorkerRelays::allocation_at(const ice::Path& path) const {
    if (path.protocol != ice::Protocol::kUdp || !exchange_->table().covers(path.remote.port))
        return 0;
    const IpAddress& to = path.remote.ip;
    if (to != exchange_->source(path.socket) && to != exchange_->told(path.socket)) return 0;
    return exchange_->table().owner(path.remote.ip.family(), path.remote.port);
}

// False: the ring has no room for all of it. The socket of the relayed address takes it, too.
bool WorkerRelays::send(std::uint64_t allocation, const sfu::SendRun& run, BytesView datagrams) {
    static_assert(sfu::SendBatch::kMaxDatagram <= RelayedDatagram::kCapacity);
    SpscRing<RelayedDatagram>& ring = lane_->to_turn.producer();
    if (!ring.has_room_for(run.count)) {
        // Nobody else writes it.
        lane_->overflowed.store(lane_->overflowed.load(std::memory_order_relaxed) + run.count,
                                std::memory_order_relaxed);
        return false;
    }
    RelayedHead head{allocation, {}, run.path.socket, run.path.remote.port};
    for (std::size_t at = 0, i = 0; at < datagrams.size(); at += run.segment_size, ++i) {
        const std::size_t size = std::min<std::size_t>(run.segment_size, datagrams.size() - at);
        head.urgency = urgency_of(run, i);
        CONFAB_CHECK(push(ring, head, datagrams.subspan(at, size)));
    }
    return true;
}

}  // namespace confab::worker
