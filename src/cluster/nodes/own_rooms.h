// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The rooms that are placed on this node, and that Redis says so too (03 RDS-06, RDS-32, NODE-16).
// A join to one of them asks nobody. What Redis has may differ after an outage, after it lost what
// it had, or after others took us for dead: then each room is checked, and written again if it is
// gone; where another node has it now, that is a conflict, for the owner to end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/nodes/node_registry.h"
#include "cluster/nodes/script/guard.h"
#include "cluster/nodes/script/redis_asker.h"
#include "redis/port.h"

namespace confab::cluster::nodes {

// Somebody else has a room of ours: both of us run it.
struct RoomConflict {
    std::string room;
    std::string holder;
};

class OwnRooms {
  public:
    static constexpr std::size_t kMaxRooms = 100'000;    // beyond, each join asks Redis
    static constexpr std::size_t kPage = 100;            // rooms that are checked with one command
    static constexpr std::size_t kMaxReleases = 10'000;  // that wait for Redis; beyond, they are
                                                         // forgotten: the room stays with us
    static constexpr Duration kRetry = Duration::seconds(1);

    OwnRooms(redis::Port& redis, NodeRegistry& registry) : registry_(registry), redis_(redis) {}

    // `is_sure`: Redis has just said so.
    void add(Timestamp now, const std::string& room, bool is_sure);
    // Ends the mapping, if it still names this node (livekit#4316).
    void release(Timestamp now, const std::string& room);
    // Another node has it, and shall.
    void forget(const std::string& room);
    bool contains(std::string_view room) const { return rooms_.contains(room); }
    std::size_t size() const { return rooms_.size(); }
    std::size_t unsure() const { return unsure_.size(); }
    // Checks all.
    void recheck(Timestamp now);

    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return due_; }
    bool has_conflict() const { return !conflicts_.empty(); }
    std::optional<RoomConflict> poll_conflict();

  private:
    void send_releases(Timestamp now);
    void check_page(Timestamp now);
    void handle_page(Timestamp now, const std::vector<std::string>& rooms,
                     const redis::Value* holders);
    void settle(Timestamp now, const std::string& room, const std::string& holder);
    void doubt(Timestamp now, const std::string& room);
    void take_over(Timestamp now, const std::string& room, const std::string& holder);
    void give_up(const std::string& room, const std::string& holder);
    void wake(Timestamp at) { due_ = earlier(due_, at); }

    NodeRegistry& registry_;
    std::set<std::string, std::less<>> rooms_;
    std::set<std::string, std::less<>> unsure_;  // of them
    std::set<std::string, std::less<>> releases_;
    bool checking_ = false;
    Timestamp due_ = Timestamp::never();
    std::deque<RoomConflict> conflicts_;  // at most one for each room
    RedisAsker redis_;
    Guard guard_;
};

}  // namespace confab::cluster::nodes
