// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which node has a room (03 NODE-10, NODE-11), as joins, calls of the API and other nodes ask it. A
// room that is to be here and was before, at another node or by CreateRoom, is made of what Redis
// has of it before the answer, so that its sid and its times go on (RDS-21, RDS-27).
#pragma once

#include <functional>
#include <string>

#include "base/callback.h"
#include "base/result.h"
#include "base/time.h"
#include "cluster/nodes/placement.h"
#include "cluster/relay/signal_end.h"
#include "cluster/store/dispatch_store.h"
#include "cluster/store/rooms/room_reader.h"
#include "rpc/error.h"
#include "runtime/control/shards/control_node.h"

namespace confab::control {

class RoomPlacement final : public cluster::relay::Placement {
  public:
    using Found = Callback<Result<std::string, rpc::Error>>;

    // `is_here`: whether the room lives at this node.
    RoomPlacement(cluster::nodes::Placement& placement, cluster::store::RoomReader& reader,
                  cluster::store::DispatchStore& agents, ControlNode& node, std::string own_id,
                  std::function<bool(const std::string&)> is_here)
        : placement_(placement),
          reader_(reader),
          agents_(agents),
          node_(node),
          own_id_(std::move(own_id)),
          is_here_(std::move(is_here)) {}

    // For a join.
    void find_node(Timestamp now, const std::string& room, Found found) override;
    // For CreateRoom; `wanted` is a node, or empty.
    void place(Timestamp now, const std::string& room, const std::string& wanted, Found found);
    // Whether it is, or is to be, at this node.
    void check_here(Timestamp now, const std::string& room, Callback<bool> here);

  private:
    // What Redis has of a room.
    struct Stored {
        livekit::Room room;
        std::string internal;
        room::StoredAgents agents;
    };
    void adopt(Timestamp now, const std::string& room, Callback<> done);
    void read_agents(Timestamp now, Stored stored, Callback<Stored> done);
    void adopt(Stored stored, Callback<> done);

    cluster::nodes::Placement& placement_;
    cluster::store::RoomReader& reader_;
    cluster::store::DispatchStore& agents_;
    ControlNode& node_;
    std::string own_id_;
    std::function<bool(const std::string&)> is_here_;
};

}  // namespace confab::control
