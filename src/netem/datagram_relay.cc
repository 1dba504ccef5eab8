// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/datagram_relay.h"

#include <utility>

namespace confab::netem {
namespace {

ClientId unpack(std::uint64_t packed) {
    return {static_cast<std::uint32_t>(packed), static_cast<std::uint32_t>(packed >> 32)};
}

}  // namespace

DatagramRelay::DatagramRelay(Path& path, RelayLimits limits)
    : path_(path),
      limits_(limits),
      rebinds_seen_(path.rebinds()),
      up_{PacketQueue(limits.max_packets), {}, {}},
      down_{PacketQueue(limits.max_packets), {}, {}} {}

// ---------------------------------------------------------------- clients

void DatagramRelay::drop_oldest() {
    ClientId oldest;
    Timestamp since = Timestamp::never();
    clients_.for_each([&](ClientId id, const Client& client) {
        if (client.last_packet >= since) return;
        since = client.last_packet;
        oldest = id;
    });
    close(oldest);
    ++evicted_;
}

ClientId DatagramRelay::client_of(Timestamp now, std::size_t route, const SocketAddress& from) {
    if (route >= by_address_.size()) by_address_.resize(route + 1);
    if (const auto found = by_address_[route].find(from); found != by_address_[route].end()) {
        clients_.find(found->second)->last_packet = now;
        return found->second;
    }
    if (clients_.size() >= limits_.max_clients) drop_oldest();
    const ClientId id = clients_.emplace(Client{from, route, now});
    by_address_[route][from] = id;
    events_.push_back({EventKind::kOpened, id, route});
    return id;
}

void DatagramRelay::close(ClientId id) {
    const Client* const client = clients_.find(id);
    if (client == nullptr) return;
    events_.push_back({EventKind::kClosed, id, client->route});
    by_address_[client->route].erase(client->address);
    clients_.erase(id);
}

void DatagramRelay::rebind(ClientId id) {
    if (const Client* const client = clients_.find(id))
        events_.push_back({EventKind::kRebound, id, client->route});
}

std::optional<DatagramRelay::Event> DatagramRelay::poll_event() {
    if (events_.empty()) return std::nullopt;
    const Event event = events_.front();
    events_.pop_front();
    return event;
}

// ---------------------------------------------------------------- datagrams

void DatagramRelay::offer(Timestamp now, Direction direction, ClientId client, BytesView bytes) {
    Side& s = side(direction);
    if (path_.conditions().udp_dropped) {
        ++s.counters.udp_dropped;
        return;
    }
    const Deliveries deliveries = path_.link(direction).offer(now, bytes.size());
    for (std::size_t i = 0; i < deliveries.count; ++i)
        if (!s.queue.push(deliveries.at[i], client.packed(), bytes)) ++s.counters.overflow;
}

void DatagramRelay::handle_client_packet(Timestamp now, std::size_t route,
                                         const SocketAddress& from, BytesView bytes) {
    handle_timeout(now);
    offer(now, Direction::kUp, client_of(now, route, from), bytes);
}

void DatagramRelay::handle_server_packet(Timestamp now, ClientId id, BytesView bytes) {
    handle_timeout(now);
    Client* const client = clients_.find(id);
    if (client == nullptr) return;
    client->last_packet = now;
    offer(now, Direction::kDown, id, bytes);
}

void DatagramRelay::handle_timeout(Timestamp now) {
    path_.handle_timeout(now);
    if (path_.rebinds() == rebinds_seen_) return;
    rebinds_seen_ = path_.rebinds();
    clients_.for_each([&](ClientId id, const Client&) { rebind(id); });
}

std::size_t DatagramRelay::take(Timestamp now, Direction direction, std::span<Outgoing> out) {
    Side& s = side(direction);
    for (const PacketQueue::Packet& packet : s.lent)
        s.queue.release(packet);
    s.lent.clear();
    std::size_t count = 0;
    while (count < out.size()) {
        const auto packet = s.queue.pop(now);
        if (!packet) break;
        s.lent.push_back(*packet);
        const ClientId id = unpack(packet->tag);
        const Client* const client = clients_.find(id);
        if (client == nullptr) continue;
        ++s.counters.forwarded;
        s.counters.octets += packet->size;
        out[count++] = {direction, id, client->route, client->address, s.queue.bytes(*packet)};
    }
    return count;
}

std::size_t DatagramRelay::poll_transmit(Timestamp now, std::span<Outgoing> out) {
    const std::size_t up = take(now, Direction::kUp, out);
    return up + take(now, Direction::kDown, out.subspan(up));
}

Timestamp DatagramRelay::next_deadline() const {
    return earlier(path_.next_deadline(),
                   earlier(up_.queue.next_deadline(), down_.queue.next_deadline()));
}

}  // namespace confab::netem
