// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The UDP between clients and servers. Each client has a link up and one down and is behind a NAT
// of its own, where each of its connections has a port. A new session gets new ports; what is on
// its way to those of an old one is lost.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "netem/link.h"
#include "sim/net/blocked.h"
#include "sim/net/event_queue.h"
#include "sim/net/media_ends.h"
#include "sim/report.h"

namespace confab::sim {

class UdpNetwork {
  public:
    UdpNetwork(std::size_t clients, EventQueue& events, Report& report, ClientEnd& client_end,
               ServerEnd& server_end);

    // A client comes: fresh links, of the profiles that were set last.
    void attach(ClientId id, Rng& rng);
    void detach(ClientId id);
    // For a new session of the client.
    void open_ports(ClientId id);
    // The NAT forgets the ports of this session and gives it others.
    void rebind(ClientId id);
    // Another port of the NAT, for a stream.
    SocketAddress fresh_address(ClientId id);
    // As servers see the client.
    const SocketAddress& address(ClientId id, client::Target target) const {
        return lines_[id].ports[static_cast<std::size_t>(target)];
    }

    void send_up(ClientId id, client::Target target, const SocketAddress& to, BytesView bytes);
    // What goes to a forgotten port counts as sent, and is lost.
    void send_down(const SocketAddress& from, const SocketAddress& to, BytesView bytes);

    // Of the links there are and of those to come.
    void set_profiles(ClientId id, const netem::LinkProfile& up, const netem::LinkProfile& down);
    // Of the links there are.
    void cut(ClientId id, Directions which, Timestamp until);
    // By links, all in all.
    std::uint64_t lost() const;

  private:
    struct Line {
        netem::LinkProfile up_profile;
        netem::LinkProfile down_profile;
        std::optional<netem::Link> up;
        std::optional<netem::Link> down;
        std::array<SocketAddress, client::kTargets> ports;
        std::uint64_t session = 0;
    };
    struct Port {
        ClientId client = 0;
        client::Target target = client::Target::kPublisher;
        std::uint64_t session = 0;
        bool open = true;  // false: the NAT has forgotten it
    };
    void give_ports(ClientId id);
    void close_ports(ClientId id);
    // Of the session that the client has now.
    bool is_current(const Port& port) const { return lines_[port.client].session == port.session; }

    EventQueue& events_;
    Report& report_;
    ClientEnd& client_end_;
    ServerEnd& server_end_;
    std::vector<Line> lines_;  // by client
    std::map<SocketAddress, Port> ports_;
    std::uint16_t next_port_ = 20'000;
    std::uint64_t lost_before_ = 0;  // by links that are no more
};

}  // namespace confab::sim
