// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The sockets behind relayed addresses, one for each allocation. Only for the TURN server's thread.
#pragma once

#include <functional>
#include <unordered_map>

#include "runtime/net/event_loop.h"
#include "runtime/turn/datagram_socket.h"
#include "runtime/turn/media_shortcut.h"
#include "turn/server.h"

namespace confab::turn_server {

class RelaySockets final : public turn::RelayPorts {
  public:
    using Handler = std::function<bool(turn::AllocationHandle, const Datagram&)>;

    // Where the sockets are bound: the addresses that peers see may be those of a NAT. `shortcut`,
    // which may be null, takes what goes to our own media and is told of the ports. `handler` gets
    // what peers send through the sockets; it may close the one that it came from. False: no client
    // is to get it.
    RelaySockets(net::EventLoop& loop, IpAddress bind_v4, IpAddress bind_v6,
                 MediaShortcut* shortcut, Handler handler);
    ~RelaySockets() override;

    bool open(turn::AllocationHandle allocation, const SocketAddress& relayed) override;
    void close(turn::AllocationHandle allocation) override;
    // False: the kernel did not take it.
    bool send(Timestamp now, turn::AllocationHandle allocation, const SocketAddress& peer,
              BytesView bytes);
    // Datagrams that passed the sockets.
    struct Counters {
        std::uint64_t sent = 0;
        std::uint64_t received = 0;  // for clients
    };
    const Counters& counters() const { return counters_; }

  private:
    struct Relay {
        DatagramSocket socket;
        net::FdWatch watch;
    };
    void read(turn::AllocationHandle allocation);
    void end_shortcut(const Relay& relay);

    net::EventLoop& loop_;
    IpAddress bind_v4_;
    IpAddress bind_v6_;
    MediaShortcut* shortcut_;
    Handler handler_;
    Counters counters_;
    DatagramBatch batch_;
    std::unordered_map<turn::AllocationHandle, Relay> sockets_;
};

}  // namespace confab::turn_server
