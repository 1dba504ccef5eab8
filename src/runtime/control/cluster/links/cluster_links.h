// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Signalling between our nodes beside Redis (03 §10 row 8, NODE-24): the secret they share, the
// links, and the bus that uses them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/net_address.h"
#include "base/time.h"
#include "cluster/nodes/node_table.h"
#include "cluster/relay/link/linked_bus.h"
#include "cluster/store/link_secret.h"
#include "runtime/control/cluster/links/node_links.h"

namespace confab::control {

class ClusterLinks {
  public:
    // All outlive it.
    struct Parts {
        net::EventLoop& loop;
        redis::Port& redis;
        cluster::store::Notices& notices;
        rpc::Bus& bus;
        std::string node;
        SocketAddress listen;  // port 0: any free one
        std::uint64_t seed = 0;
        std::function<void(Timestamp now, const std::string& node)> on_dead;
        std::function<void(Timestamp now, const std::string& node)> on_heard;
        std::function<void(Timestamp now, const std::string& node, bool stands)> on_standing;
    };
    explicit ClusterLinks(const Parts& parts);

    // For the streams of the relay.
    rpc::Bus& bus() { return bus_; }
    // Where other nodes can reach this one, for its record; empty if nowhere, which is logged.
    std::string listen();
    // With each new connection to Redis.
    void handle_up(Timestamp now) { secret_.handle_up(now); }
    // At the beginning of a turn, and at its end.
    void handle_timeout(Timestamp now, const cluster::nodes::NodeTable& table);
    void flush() { links_.flush(); }
    Timestamp next_deadline() const {
        return earlier(secret_.next_deadline(), links_.next_deadline());
    }
    std::size_t size() const { return bus_.snapshot().links; }

  private:
    SocketAddress listen_;
    cluster::store::LinkSecret secret_;
    cluster::relay::LinkedBus bus_;
    NodeLinks links_;
    std::optional<Timestamp> seen_;  // of the table
};

}  // namespace confab::control
