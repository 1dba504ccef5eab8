// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/netem/udp_side.h"

#include <utility>

namespace confab::netsim {
namespace {

using Outgoing = netem::DatagramRelay::Outgoing;

// Batches of one socket before the others have their turn.
constexpr int kBatchesPerTurn = 4;

// Clients are few, so that their numbers fit: tag, 24 bits of index, 32 of generation.
std::uint64_t tag_of(netem::ClientId id) {
    return UdpSide::kPort | (std::uint64_t{id.index} << 32U) | id.generation;
}

netem::ClientId client_of(std::uint64_t tag) {
    return {static_cast<std::uint32_t>(tag >> 32U) & 0xFF'FFFF, static_cast<std::uint32_t>(tag)};
}

bool same_socket(const Outgoing& a, const Outgoing& b) {
    if (a.direction != b.direction) return false;
    return a.direction == netem::Direction::kUp ? a.client == b.client : a.route == b.route;
}

}  // namespace

Result<SocketAddress, std::string> UdpSide::add_route(const SocketAddress& listen,
                                                      const SocketAddress& server) {
    CONFAB_TRY(RelaySocket listener, RelaySocket::listen(listen));
    const SocketAddress local = listener.local();
    if (!poller_.add(listener.fd(), kListener | routes_.size()))
        return fail("watch udp " + local.to_string() + ": too many open files");
    routes_.push_back({std::move(listener), server});
    return local;
}

void UdpSide::open_port(const netem::DatagramRelay::Event& event) {
    auto port = RelaySocket::connect(routes_[event.route].server);
    if (!port || !poller_.add(port->fd(), tag_of(event.client))) {
        last_error_ = port ? "too many open files" : port.error();
        ++not_opened_;
        relay_.close(event.client);
        return;
    }
    ports_.insert_or_assign(event.client, *std::move(port));
}

void UdpSide::close_port(netem::ClientId client) {
    const auto found = ports_.find(client);
    if (found == ports_.end()) return;
    not_read_ += found->second.dropped();
    ports_.erase(found);
}

void UdpSide::drain_events() {
    while (const auto event = relay_.poll_event()) {
        // The old port is closed first: what comes to it then is refused, as by a NAT that forgot.
        close_port(event->client);
        if (event->kind != netem::DatagramRelay::EventKind::kClosed) open_port(*event);
    }
}

void UdpSide::handle_readable(Timestamp now, std::uint64_t tag) {
    const bool is_listener = (tag & kListener) != 0;
    const std::size_t route = tag & 0xFFFF'FFFF;
    const netem::ClientId client = client_of(tag);
    for (int i = 0; i < kBatchesPerTurn; ++i) {
        RelaySocket* socket = is_listener ? &routes_[route].listener : nullptr;
        if (!is_listener) {
            // A rebinding may have closed it since the poller named it.
            const auto found = ports_.find(client);
            if (found == ports_.end()) return;
            socket = &found->second;
        }
        const std::span<const Datagram> datagrams = socket->receive(received_);
        for (const Datagram& datagram : datagrams) {
            if (is_listener)
                relay_.handle_client_packet(now, route, datagram.from, datagram.bytes);
            else
                relay_.handle_server_packet(now, client, datagram.bytes);
        }
        drain_events();
        if (datagrams.size() < SocketBatch::kSize) return;
    }
}

void UdpSide::send_run(std::span<const Outgoing> run) {
    const Outgoing& first = run.front();
    RelaySocket* socket = nullptr;
    if (first.direction == netem::Direction::kDown) {
        socket = &routes_[first.route].listener;
    } else if (const auto found = ports_.find(first.client); found != ports_.end()) {
        socket = &found->second;
    }
    const std::size_t sent = socket == nullptr ? 0 : socket->send(sent_, run);
    not_sent_ += run.size() - sent;
}

void UdpSide::handle_timeout(Timestamp now) {
    relay_.handle_timeout(now);
    drain_events();
    while (const std::size_t count = relay_.poll_transmit(now, due_)) {
        const std::span<const Outgoing> due = std::span(due_).first(count);
        for (std::size_t begin = 0; begin < count;) {
            std::size_t end = begin + 1;
            while (end < count && same_socket(due[begin], due[end]))
                ++end;
            send_run(due.subspan(begin, end - begin));
            begin = end;
        }
    }
}

std::uint64_t UdpSide::not_read() const {
    std::uint64_t sum = not_read_;
    for (const Route& route : routes_)
        sum += route.listener.dropped();
    for (const auto& [client, port] : ports_)
        sum += port.dropped();
    return sum;
}

}  // namespace confab::netsim
