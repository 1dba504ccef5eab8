// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/net/udp_network.h"

namespace confab::sim {
namespace {

constexpr std::uint32_t kOutsideNetwork = 0xC633'6400;  // 198.51.100.0
constexpr std::uint8_t kInsideNetwork = 192;            // the first octet of 192.168.0.0

std::uint64_t lost_by(const std::optional<netem::Link>& link) {
    return link ? link->counters().lost : 0;
}

}  // namespace

UdpNetwork::UdpNetwork(std::size_t clients, EventQueue& events, Report& report,
                       ClientEnd& client_end, ServerEnd& server_end)
    : events_(events),
      report_(report),
      client_end_(client_end),
      server_end_(server_end),
      lines_(clients) {}

// ---------------------------------------------------------------- links

void UdpNetwork::attach(ClientId id, Rng& rng) {
    Line& line = lines_[id];
    lost_before_ += lost_by(line.up) + lost_by(line.down);
    line.up.emplace(line.up_profile, rng.fork());
    line.down.emplace(line.down_profile, rng.fork());
}

void UdpNetwork::set_profiles(ClientId id, const netem::LinkProfile& up,
                              const netem::LinkProfile& down) {
    Line& line = lines_[id];
    line.up_profile = up;
    line.down_profile = down;
    if (line.up) line.up->set_profile(events_.now(), up);
    if (line.down) line.down->set_profile(events_.now(), down);
}

void UdpNetwork::cut(ClientId id, Directions which, Timestamp until) {
    Line& line = lines_[id];
    if (line.up && which.up) line.up->set_outage(until);
    if (line.down && which.down) line.down->set_outage(until);
}

std::uint64_t UdpNetwork::lost() const {
    std::uint64_t lost = lost_before_;
    for (const Line& line : lines_)
        lost += lost_by(line.up) + lost_by(line.down);
    return lost;
}

// ---------------------------------------------------------------- ports

SocketAddress UdpNetwork::fresh_address(ClientId id) {
    return {IpAddress::v4(kOutsideNetwork + static_cast<std::uint32_t>(id + 1)), next_port_++};
}

void UdpNetwork::give_ports(ClientId id) {
    Line& line = lines_[id];
    for (std::size_t i = 0; i < client::kTargets; ++i) {
        line.ports[i] = fresh_address(id);
        ports_[line.ports[i]] = {id, static_cast<client::Target>(i), line.session, true};
    }
}

void UdpNetwork::close_ports(ClientId id) {
    for (const SocketAddress& address : lines_[id].ports)
        if (const auto found = ports_.find(address); found != ports_.end())
            found->second.open = false;
}

void UdpNetwork::open_ports(ClientId id) {
    detach(id);
    give_ports(id);
}

void UdpNetwork::detach(ClientId id) {
    close_ports(id);
    ++lines_[id].session;
}

void UdpNetwork::rebind(ClientId id) {
    close_ports(id);
    give_ports(id);
}

// ---------------------------------------------------------------- datagrams

void UdpNetwork::send_up(ClientId id, client::Target target, const SocketAddress& to,
                         BytesView bytes) {
    const netem::Deliveries deliveries = lines_[id].up->offer(events_.now(), bytes.size());
    for (std::size_t i = 0; i < deliveries.count; ++i)
        events_.plan(deliveries.at[i],
                     [this, from = address(id, target), to, copy = to_vector(bytes)] {
                         server_end_.datagram_arrived(from, to, copy);
                     });
}

void UdpNetwork::send_down(const SocketAddress& from, const SocketAddress& to, BytesView bytes) {
    const auto found = ports_.find(to);
    if (found == ports_.end()) {
        // Checks of the candidates that clients know of themselves get nowhere.
        const bool is_inside = to.ip.is_v4() && to.ip.bytes()[0] == kInsideNetwork;
        if (!is_inside) report_.violation(events_.now(), "datagram to an address of nobody");
        return;
    }
    const Port& port = found->second;
    if (!is_current(port)) return;
    client_end_.media_sent(port.client, bytes);
    if (!port.open) return;
    ice::Path path;
    path.remote = from;
    const netem::Deliveries deliveries =
        lines_[port.client].down->offer(events_.now(), bytes.size());
    for (std::size_t i = 0; i < deliveries.count; ++i)
        events_.plan(deliveries.at[i], [this, port, path, copy = to_vector(bytes)]() mutable {
            if (is_current(port)) client_end_.media_arrived(port.client, port.target, path, copy);
        });
}

}  // namespace confab::sim
