// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// WHIP of a node in a cluster (03 RPC-23, RPC-24): sessions of rooms that are here are those of its
// shards, the others are asked of the node with the room. Media go there from the client itself.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "cluster/psrpc/retry.h"
#include "cluster/store/rooms/room_reader.h"
#include "runtime/control/cluster/rooms/room_placement.h"
#include "runtime/control/whip/whip_backend.h"

namespace confab::control {

class ClusterWhip final : public WhipBackend {
  public:
    // All must outlive it.
    struct Parts {
        WhipBackend& local;
        cluster::relay::Placement& placement;
        std::function<bool(const std::string& room)> is_here;
        cluster::store::RoomReader& reader;
        cluster::psrpc::Retrier& bus;
        cluster::psrpc::RetryPlan plan;
        std::string own_id;
        // Something may be due; after each of what is called here.
        std::function<void()> wake;
    };
    explicit ClusterWhip(Parts parts) : p_(std::move(parts)) {}

    void create(WhipJoin join, Reply reply) override;
    void abandon(const std::string& room, const std::string& identity,
                 std::uint64_t request) override;
    void patch(WhipRequest request, Reply reply) override;
    void remove(WhipRequest request, Reply reply) override;

  private:
    // Of a client that its session ends with.
    struct Asked {
        std::string room;
        std::string identity;
        std::uint64_t request = 0;
        auto operator<=>(const Asked&) const = default;
    };
    static Asked asked_of(const WhipJoin& join) {
        return {join.params.room, join.params.grants.identity, join.request};
    }
    void find_and_create(std::shared_ptr<const WhipJoin> join, int lookups, Reply reply);
    void create_at(const std::string& node, std::shared_ptr<const WhipJoin> join, int lookups,
                   Reply reply);
    void created(const WhipJoin& join, const rpc::Outcome& outcome, Reply reply);
    // Once Redis has said that there is such a participant (RPC-33).
    void at_its_node(WhipRequest request, Reply reply,
                     std::function<void(const WhipRequest&, Reply)> ask);
    void ask_patch(const WhipRequest& request, Reply reply);
    void ask_restart(const WhipRequest& request, Reply reply);
    void ask_delete(const WhipRequest& request, Reply reply);

    Parts p_;
    // That wait for tracks, by whether their clients have gone.
    std::map<Asked, bool> waiting_;
};

}  // namespace confab::control
