// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/turn/relay_sockets.h"

#include <exception>
#include <utility>

namespace confab::turn_server {

RelaySockets::RelaySockets(net::EventLoop& loop, IpAddress bind_v4, IpAddress bind_v6,
                           MediaShortcut* shortcut, Handler handler)
    : loop_(loop),
      bind_v4_(bind_v4),
      bind_v6_(bind_v6),
      shortcut_(shortcut),
      handler_(std::move(handler)) {}

RelaySockets::~RelaySockets() {
    for (const auto& [allocation, relay] : sockets_)
        end_shortcut(relay);
}

bool RelaySockets::open(turn::AllocationHandle allocation, const SocketAddress& relayed) {
    auto socket = DatagramSocket::open({relayed.ip.is_v4() ? bind_v4_ : bind_v6_, relayed.port});
    if (!socket) return false;
    try {
        net::FdWatch watch = loop_.watch_fd(socket->fd(), [this, allocation] { read(allocation); });
        const SocketAddress bound = socket->local();
        sockets_.emplace(allocation, Relay{*std::move(socket), std::move(watch)});
        if (shortcut_ != nullptr) shortcut_->open(allocation, bound.ip.family(), bound.port);
        return true;
    } catch (const std::exception&) {  // the kernel watches no more descriptors
        return false;
    }
}

void RelaySockets::close(turn::AllocationHandle allocation) {
    const auto found = sockets_.find(allocation);
    if (found == sockets_.end()) return;
    // Before somebody else can have the port.
    end_shortcut(found->second);
    sockets_.erase(found);
}

void RelaySockets::end_shortcut(const Relay& relay) {
    const SocketAddress& bound = relay.socket.local();
    if (shortcut_ != nullptr) shortcut_->close(bound.ip.family(), bound.port);
}

bool RelaySockets::send(Timestamp now, turn::AllocationHandle allocation, const SocketAddress& peer,
                        BytesView bytes) {
    const auto found = sockets_.find(allocation);
    if (found == sockets_.end()) return false;
    DatagramSocket& socket = found->second.socket;
    if (shortcut_ != nullptr && shortcut_->send(now, socket.local().port, peer, bytes)) return true;
    if (!socket.send(socket.local(), peer, bytes)) return false;
    ++counters_.sent;
    return true;
}

void RelaySockets::read(turn::AllocationHandle allocation) {
    const auto found = sockets_.find(allocation);
    if (found == sockets_.end()) return;
    for (const Datagram& datagram : found->second.socket.receive(batch_))
        if (handler_(allocation, datagram)) ++counters_.received;
}

}  // namespace confab::turn_server
