// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// All servers of a run, and what the network brings to their media sockets. Each has its rooms.
#pragma once

#include <memory>
#include <vector>

#include "sim/net/media_ends.h"
#include "sim/scenarios/scenario.h"
#include "sim/world/node.h"

namespace confab::sim {

class Servers final : public ServerEnd {
  public:
    Servers(const Scenario& scenario, UnixTime wall_at_zero, EventQueue& events, Rng& rng,
            Report& report, NodeHost& host);

    // The server of a room.
    NodeId home_of(std::size_t room) const { return room % nodes_.size(); }
    ControlNode& control(NodeId node) { return nodes_[node]->control(); }
    const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }
    // Of all shards, so far.
    std::uint64_t timeouts() const;

    // ServerEnd
    void datagram_arrived(const SocketAddress& from, const SocketAddress& to,
                          BytesView bytes) override;
    void frame_arrived(const ServerStream& stream, BytesView bytes) override;
    void stream_closed(const ServerStream& stream) override;

  private:
    std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace confab::sim
