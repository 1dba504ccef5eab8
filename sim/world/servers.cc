// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/world/servers.h"

namespace confab::sim {

Servers::Servers(const Scenario& scenario, UnixTime wall_at_zero, EventQueue& events, Rng& rng,
                 Report& report, NodeHost& host) {
    for (NodeId node = 0; node < scenario.nodes; ++node)
        nodes_.push_back(
            std::make_unique<Node>(node, scenario, wall_at_zero, events, rng, report, host));
}

std::uint64_t Servers::timeouts() const {
    std::uint64_t sum = 0;
    for (const auto& node : nodes_)
        sum += node->media().counters().timeouts;
    return sum;
}

void Servers::datagram_arrived(const SocketAddress& from, const SocketAddress& to,
                               BytesView bytes) {
    const NodeId node = SfuHost::node_of(to);
    if (node < nodes_.size()) nodes_[node]->media().deliver(from, to, bytes);
}

void Servers::frame_arrived(const ServerStream& stream, BytesView bytes) {
    nodes_[stream.node]->media().frame(stream.shard, stream.path, bytes);
}

void Servers::stream_closed(const ServerStream& stream) {
    nodes_[stream.node]->media().stream_closed(stream.shard, stream.path);
}

}  // namespace confab::sim
