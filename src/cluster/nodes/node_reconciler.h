// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Clears up after dead nodes (03 RDS-27): one node of the cluster, every 10 s. Records that are
// older than 60 s go; rooms of nodes without a record lose their node, so that they can be placed
// and ended, and the owner is told of each. Upstream's nodes are treated like ours.
//
// A room that was cleared is kept in a hash until its owner has ended what is left of it (settle),
// so that the next leader goes on where one died.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "cluster/nodes/node_registry.h"
#include "cluster/nodes/script/redis_asker.h"

namespace confab::cluster::nodes {

struct RoomOrphaned {
    std::string room;
    std::string node;  // where it was
    // Its node was missing by then: departure_timeout counts from here. Of what an earlier leader
    // left, the time it was found.
    Timestamp since;
};

class NodeReconciler {
  public:
    static constexpr Duration kRound = Duration::seconds(10);
    static constexpr Duration kLease = Duration::seconds(25);
    // Without a record, before rooms are taken from a node: it may have just been registered.
    static constexpr Duration kMissing = Duration::seconds(8);
    static constexpr Duration kPause = Duration::millis(20);  // between pages
    static constexpr std::size_t kPage = 200;                 // rooms
    static constexpr std::size_t kMaxMissing = 10'000;  // nodes; others wait for the next round
    static constexpr std::size_t kMaxEvents =
        1024;  // beyond, nothing is cleared until they are taken

    NodeReconciler(redis::Port& redis, NodeRegistry& registry, Rng rng);

    void start(Timestamp now);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return due_; }
    std::optional<RoomOrphaned> poll_event();
    // What is left of the room is ended, or the room was joined again.
    void settle(Timestamp now, const std::string& room);

    bool is_leader(Timestamp now) const { return now < lease_until_; }

    struct Snapshot {
        std::uint64_t rounds = 0;  // as the leader
        std::uint64_t pages = 0;
        std::uint64_t orphaned = 0;
        std::uint64_t records = 0;  // that were asked to go
    };
    const Snapshot& snapshot() const { return counters_; }

  private:
    using Pairs = std::vector<std::pair<std::string, std::string>>;  // room, node
    struct Missing {
        Timestamp since;
        std::uint64_t round = 0;  // in which a room of it was seen last
    };

    void seek_lead(Timestamp now);
    void begin_round(Timestamp now, bool was_leader);
    void drop_records(Timestamp now);
    void scan(Timestamp now);
    void handle_page(Timestamp now, const redis::Value* reply);
    void note_left(Timestamp now, const Pairs& page);
    void clear_missing(Timestamp now, const Pairs& page);
    void handle_cleared(const std::vector<RoomOrphaned>& asked, const redis::Value* reply);
    void next_page(Timestamp now, const std::string& cursor);
    void end_round(Timestamp now);

    NodeRegistry& registry_;
    Rng rng_;
    Timestamp due_ = Timestamp::never();
    Timestamp round_at_;
    Timestamp lease_until_;
    // Which page is next; empty: no round is under way.
    std::string cursor_;
    bool asking_ = false;
    bool reading_left_ = false;               // pages of what an earlier leader left
    std::map<std::string, Missing> missing_;  // nodes without a record that have rooms
    std::deque<RoomOrphaned> events_;
    Snapshot counters_;
    RedisAsker redis_;
};

}  // namespace confab::cluster::nodes
