// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/turn/relay_sockets.h"

#include <exception>
#include <utility>

namespace confab::turn_server {

RelaySockets::RelaySockets(net::EventLoop& loop, IpAddress bind_v4, IpAddress bind_v6,
                           Handler handler)
    : loop_(loop), bind_v4_(bind_v4), bind_v6_(bind_v6), handler_(std::move(handler)) {}

bool RelaySockets::open(turn::AllocationHandle allocation, const SocketAddress& relayed) {
    auto socket = DatagramSocket::open({relayed.ip.is_v4() ? bind_v4_ : bind_v6_, relayed.port});
    if (!socket) return false;
    try {
        net::FdWatch watch = loop_.watch_fd(socket->fd(), [this, allocation] { read(allocation); });
        sockets_.emplace(allocation, Relay{*std::move(socket), std::move(watch)});
        return true;
    } catch (const std::exception&) {  // the kernel watches no more descriptors
        return false;
    }
}

void RelaySockets::close(turn::AllocationHandle allocation) {
    sockets_.erase(allocation);
}

bool RelaySockets::send(turn::AllocationHandle allocation, const SocketAddress& peer,
                        BytesView bytes) {
    const auto found = sockets_.find(allocation);
    return found != sockets_.end() &&
           found->second.socket.send(found->second.socket.local(), peer, bytes);
}

void RelaySockets::read(turn::AllocationHandle allocation) {
    const auto found = sockets_.find(allocation);
    if (found == sockets_.end()) return;
    for (const Datagram& datagram : found->second.socket.receive(batch_))
        handler_(allocation, datagram);
}

}  // namespace confab::turn_server
