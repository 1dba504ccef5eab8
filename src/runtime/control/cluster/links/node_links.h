// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The direct links to the other nodes (cluster/relay/link/link.h) over their connections. On the
// first loop, as all of the cluster.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/net_address.h"
#include "base/result.h"
#include "base/time.h"
#include "cluster/relay/link/link_peers.h"
#include "cluster/relay/link/linked_bus.h"
#include "runtime/net/bytes/byte_port.h"

namespace confab::control {

class NodeLinks {
  public:
    static constexpr Duration kDialTimeout = Duration::seconds(2);
    // Connections that have not shown yet who they are; further ones are cut.
    static constexpr std::size_t kMaxStrangers = 64;
    // Not taken by the system yet: then a link keeps what it has, up to Link::kMaxUnsent.
    static constexpr std::size_t kMaxInSocket = std::size_t{1} << 20;

    struct Handlers {
        // A node's process has ended.
        std::function<void(Timestamp now, const std::string& node)> on_dead;
        // A node has said something of late: with each second of it.
        std::function<void(Timestamp now, const std::string& node)> on_heard;
        // A node's process stands still, as its system answers: with each second of it; or no more.
        std::function<void(Timestamp now, const std::string& node, bool stands)> on_standing;
        // Somebody seems to have another secret than we: it may have been written anew.
        std::function<void(Timestamp now)> on_other_secret;
    };
    // Loop and bus outlive it.
    NodeLinks(net::EventLoop& loop, cluster::relay::LinkedBus& bus, std::string node,
              std::uint64_t seed, Handlers handlers);
    ~NodeLinks();  // closes all
    NodeLinks(const NodeLinks&) = delete;
    NodeLinks& operator=(const NodeLinks&) = delete;

    // Where others can dial it. The error names address and reason.
    Result<SocketAddress, std::string> listen(const SocketAddress& address);
    // Of links from now on; without one nobody is dialled and nobody believed.
    void set_secret(std::string secret) { secret_ = std::move(secret); }
    void set_peers(Timestamp now, const cluster::relay::LinkPeers::Addresses& addresses);

    // At the beginning of a turn.
    void handle_timeout(Timestamp now);
    // At its end: what the turn brought leaves.
    void flush();
    Timestamp next_deadline() const;

  private:
    using Number = net::BytePort::Number;
    struct Connection {
        std::string dialled;                            // the node; empty: it dialled us
        std::optional<cluster::relay::Link> link = {};  // once it is connected
        bool told_up = false;
        bool told_standing = false;
    };

    void accepted(Number number);
    void connected(Number number);
    void received(Number number, BytesView bytes);
    void closed(Number number, bool refused);
    void advance(Timestamp now, Number number);
    void tell_standing(Timestamp now, Connection& one);
    void drop(Timestamp now, Number number, bool refused);
    std::size_t strangers() const;

    cluster::relay::LinkedBus& bus_;
    const std::string node_;
    Handlers handlers_;
    cluster::relay::LinkPeers peers_;
    std::string secret_;
    net::BytePort port_;
    std::map<Number, Connection> connections_;
};

}  // namespace confab::control
