// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/world/node.h"

namespace confab::sim {
namespace {

room::Config server_config(const SfuHost& media) {
    room::Config config;
    for (std::size_t i = 0; i < media.size(); ++i)
        config.media.workers.push_back({{media.address(i)}, {media.tcp_address(i)}});
    config.media.fingerprint_sha256 = "AA:BB";
    // Neighbours live on different workers.
    config.participants_per_worker = 1;
    // Rooms end soon, so that their end is seen.
    config.room.departure_timeout = 2;
    config.room.empty_timeout = 5;
    return config;
}

}  // namespace

Node::Node(NodeId id, const Scenario& scenario, UnixTime wall_at_zero, EventQueue& events, Rng& rng,
           Report& report, NodeHost& host)
    : id_(id),
      host_(host),
      media_(
          {id, scenario.shards, scenario.shared_port, wall_at_zero + (kRunStart - Timestamp{})},
          events, rng.fork(), report,
          [this](std::size_t shard, const ice::Path& path, BytesView bytes) {
              host_.transmit(id_, shard, path, bytes);
          },
          [this](std::size_t shard, const sfu::Event& event) {
              control_.media_event(static_cast<sfu::WorkerIndex>(shard), event);
          }),
      control_(server_config(media_), rng.u64(), events, wall_at_zero, *this) {}

}  // namespace confab::sim
