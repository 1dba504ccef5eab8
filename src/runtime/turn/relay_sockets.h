// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The sockets behind relayed addresses, one for each allocation. Only for the TURN server's thread.
#pragma once

#include <functional>
#include <unordered_map>

#include "runtime/net/event_loop.h"
#include "runtime/turn/datagram_socket.h"
#include "turn/server.h"

namespace confab::turn_server {

class RelaySockets final : public turn::RelayPorts {
  public:
    using Handler = std::function<void(turn::AllocationHandle, const Datagram&)>;

    // Where the sockets are bound: the addresses that peers see may be those of a NAT. `handler`
    // gets what peers send; it may close the socket that it came from.
    RelaySockets(net::EventLoop& loop, IpAddress bind_v4, IpAddress bind_v6, Handler handler);

    bool open(turn::AllocationHandle allocation, const SocketAddress& relayed) override;
    void close(turn::AllocationHandle allocation) override;
    bool send(turn::AllocationHandle allocation, const SocketAddress& peer, BytesView bytes);
    std::size_t size() const { return sockets_.size(); }

  private:
    struct Relay {
        DatagramSocket socket;
        net::FdWatch watch;
    };
    void read(turn::AllocationHandle allocation);

    net::EventLoop& loop_;
    IpAddress bind_v4_;
    IpAddress bind_v6_;
    Handler handler_;
    DatagramBatch batch_;
    std::unordered_map<turn::AllocationHandle, Relay> sockets_;
};

}  // namespace confab::turn_server
