// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the console shows of now: asked of the shards and workers when somebody looks, and of other
// nodes where there are some. Only for the first loop.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/ports.h"
#include "base/callback.h"
#include "base/result.h"
#include "console/rates.h"
#include "console/requests.h"
#include "console/room_rows.h"
#include "console/views.h"
#include "room/inspect/room_figures.h"
#include "runtime/control/cluster/cluster.h"
#include "runtime/control/shards/control_node.h"

namespace confab::control {

class ConsoleFigures {
  public:
    using Figures = cluster::nodes::NodeRegistry::Figures;
    struct Node {
        ControlNode& control;
        const token::KeyProvider& keys;
        api::RoomServicePort& rooms;  // of all nodes
        Cluster* cluster = nullptr;   // null: this node is alone
        Figures figures;              // of this node; may be empty
        std::function<std::string()> not_ready;
    };
    using Rooms = Callback<Result<std::vector<console::RoomRow>, std::string>>;
    using Room = Callback<Result<room::RoomFigures, std::string>>;
    static constexpr const char* kNoRoom = "there is no such room any more";

    explicit ConsoleFigures(Node node);

    // Nodes, workers and joins; `home`: what was refused before it came to a shard.
    console::Overview overview(const console::JoinCounts& home);
    // Of all tenants.
    void rooms(Rooms reply);
    // By its key; figures of its media only where it is at this node. kNoRoom: it is not there.
    void room(const std::string& key, Room reply);

    // Of all workers, since this was called last.
    console::WorkerRates minute();
    console::JoinCounts joins(const console::JoinCounts& home);

  private:
    struct Listing;
    using Meters = std::vector<console::RateMeter>;  // by worker
    // Since these meters looked last; leaves what each worker has in workers_.
    console::WorkerRates look(Meters& meters);
    console::NodeView self() const;
    std::vector<console::NodeView> nodes() const;
    void list(const std::shared_ptr<Listing>& listing);
    void find_elsewhere(const std::string& key, Room reply);

    Node node_;
    // Whoever looks at the overview must not cut the minutes of the history short.
    Meters overview_meters_;
    Meters minute_meters_;
    std::vector<console::WorkerView> workers_;
};

}  // namespace confab::control
