// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Agents on this node: the workers that are connected to it, what its rooms want of workers
// anywhere, and the calls about dispatches (03 RPC-05 … RPC-09). Of the first shard's loop; the
// rooms are on all shards.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "agents/job_launcher.h"
#include "agents/worker_hub.h"
#include "room/scope/types.h"
#include "runtime/control/agents/agent_sockets.h"
#include "runtime/control/control_plane.h"

namespace confab::control {

struct AgentOptions {
    agents::HubOptions hub;
    net::WebSocketOptions websocket;
};

class NodeAgents final : private agents::LauncherHost {
  public:
    // How what concerns the rooms gets to their shards.
    struct Shards {
        // All, one after the other.
        std::function<void(const std::function<void(ControlPlane&)>&)> each;
        // The one of a room.
        std::function<void(const std::string& room, Callback<ControlPlane&>)> of_room;
    };
    // All must outlive it; `home` runs it.
    NodeAgents(net::EventLoop& home, rpc::Bus& bus, const token::KeyProvider& keys,
               AgentOptions options, std::uint64_t seed, Shards shards);

    // What a room of any shard wants, in the order in which that shard told it.
    void handle(AgentEffect effect);
    // In each turn of the loop; gives when it wants to be called again at the latest.
    Timestamp turn(Timestamp now);

    bool takes_workers() const { return hub_.takes_workers(); }
    AgentSockets& sockets() { return sockets_; }
    // Workers of keys that are gone are let go.
    void keys_changed() { hub_.keys_changed(); }
    void undrain() { hub_.undrain(); }
    void drain() { hub_.drain(agents_clock()); }

    struct Snapshot {
        agents::WorkerHub::Snapshot hub;
        agents::JobLauncher::Snapshot launcher;
    };
    Snapshot snapshot() const { return {hub_.snapshot(), launcher_->snapshot()}; }

  private:
    // ---- LauncherHost
    void kinds_known(const std::set<agents::WorkerKey>& kinds) override;
    void job_changed(const livekit::Job& job, agents::JobChange change) override;

    void serve(const std::string& room);
    // Serves one of the calls about dispatches by a function of the rooms.
    template <auto kCall, typename Request, typename Response>
    void serve_call(const std::string& room, const rpc::Method& method,
                    std::vector<rpc::Registration>& kept);

    net::EventLoop& home_;
    rpc::Bus& bus_;
    Shards shards_;
    agents::WorkerHub hub_;
    AgentSockets sockets_;
    std::shared_ptr<agents::JobLauncher> launcher_;
    std::map<std::string, std::vector<rpc::Registration>> served_;  // by room
};

}  // namespace confab::control
