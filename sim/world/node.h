// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One server of a run: its control plane and its shards, at an address of its own. Nodes share the
// clock and nothing else; links between them come with clusters.
#pragma once

#include "sim/ids.h"
#include "sim/scenarios/scenario.h"
#include "sim/world/control_node.h"
#include "sim/world/sfu_host.h"

namespace confab::sim {

// What leaves a node.
class NodeHost {
  public:
    virtual ~NodeHost() = default;
    virtual void transmit(NodeId node, std::size_t shard, const ice::Path& path,
                          BytesView bytes) = 0;
    virtual void send(NodeId node, room::SessionId session,
                      const livekit::SignalResponse& response) = 0;
    virtual void refuse(NodeId node, room::SessionId session) = 0;
    virtual void close(NodeId node, room::SessionId session) = 0;
};

class Node final : private ControlHost {
  public:
    Node(NodeId id, const Scenario& scenario, UnixTime wall_at_zero, EventQueue& events, Rng& rng,
         Report& report, NodeHost& host);

    NodeId id() const { return id_; }
    SfuHost& media() { return media_; }
    ControlNode& control() { return control_; }

  private:
    void command(sfu::WorkerIndex worker, sfu::Command command) override {
        media_.command(worker, std::move(command));
    }
    void send(room::SessionId session, const livekit::SignalResponse& response) override {
        host_.send(id_, session, response);
    }
    void refuse(room::SessionId session, int, const std::string&) override {
        host_.refuse(id_, session);
    }
    void close(room::SessionId session) override { host_.close(id_, session); }

    NodeId id_;
    NodeHost& host_;
    SfuHost media_;
    ControlNode control_;
};

}  // namespace confab::sim
