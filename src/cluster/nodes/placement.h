// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// On which node a room is, or will be (03 NODE-10, NODE-11, NODE-12, NODE-16, RDS-06).
//
// A room that is here needs no Redis; one that is elsewhere costs one command, a new one two. Who
// places a room does it in one step with reading whether somebody has (scripts.h), so all nodes
// agree; in the same step it is seen what all nodes placed where lately, so that a burst spreads
// although figures are seconds old. A mapping to a node that is dead is replaced, if it still is
// that one and the table was read since the question came.
//
// While Redis is away what cannot be placed here waits for its return (a Sentinel that fails over
// takes some seconds), kReturnPatience at most, and goes on as soon as it is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/callback.h"
#include "base/result.h"
#include "base/rng.h"
#include "cluster/nodes/node_registry.h"
#include "cluster/nodes/own_rooms.h"
#include "cluster/nodes/script/guard.h"
#include "cluster/nodes/script/redis_asker.h"
#include "cluster/nodes/select/selectors.h"

namespace confab::cluster::nodes {

struct Placed {
    std::string node;
    bool is_new = false;  // placed by this call
    bool is_told = true;  // false: Redis does not know yet, it does not answer
};

struct PlaceError {
    enum class Code : std::uint8_t {
        kNoNodes,      // nobody is there to take it
        kNodeFull,     // by the limits of the node
        kUnknownNode,  // the wanted one
        kRedis,        // does not answer, or with what cannot be
        kBusy,         // too many are asked for
    };
    Code code = Code::kNoNodes;
    std::string text;
};
// NODE-12: a join or a validation is refused with 503 and the first one, CreateRoom with the other.
inline constexpr std::string_view kFullForJoin = "node has exceeded its configured limit";
inline constexpr std::string_view kFullForCreate = "reached configured limit for node";

struct PlacementOptions {
    SelectorOptions selector;
    // While Redis does not answer, unknown rooms are placed here; otherwise they are refused.
    bool allow_local_when_down = true;
};

class Placement {
  public:
    static constexpr std::size_t kMaxWaiting = 4096;             // beyond, kBusy
    static constexpr Duration kPatience = Duration::seconds(2);  // with Redis, for one room
    // For its return, of one room: below the 15 s that livekit-client waits for an answer, with
    // room for what comes after. Nobody waits any more when it has been away for kFailover: that
    // is no failover.
    static constexpr Duration kReturnPatience = Duration::seconds(8);
    static constexpr Duration kFailover = Duration::seconds(10);
    static constexpr std::size_t kMaxReturning = 1000;  // further ones are refused at once
    static constexpr Duration kAskAgain = Duration::millis(500);  // what it refuses meanwhile
    // When it is there again: one after the other, by chance, within a millisecond for each.
    static constexpr Duration kReturnSpread = Duration::millis(1);
    // Rooms that are known to be elsewhere, so that none of them is placed here while Redis does
    // not answer. Beyond, all are forgotten.
    static constexpr std::size_t kMaxElsewhere = 10'000;
    static constexpr int kMaxClaims = 3;  // lost to holders who died meanwhile; beyond, kRedis

    using Outcome = Result<Placed, PlaceError>;
    using Done = Callback<Timestamp, Outcome>;

    Placement(redis::Port& redis, NodeRegistry& registry, PlacementOptions options, Rng rng);

    // The node of the room; a new one is placed, on `wanted` unless that is empty. `done` is called
    // once, from handle_timeout().
    void select(Timestamp now, std::string room, std::string wanted, Done done);
    // A room of this node is given to another one that serves, with what Redis has of it; who asks
    // from then on goes there. The copy here is the caller's to end. Fails where nobody takes it:
    // the room stays.
    void hand_over(Timestamp now, std::string room, Done done);
    bool is_here(std::string_view room) const { return own_.contains(room); }
    // The room has ended here.
    void release(Timestamp now, const std::string& room) { own_.release(now, room); }
    // The connection for commands is there, again; or went.
    void handle_up(Timestamp now);
    void handle_down(Timestamp now);
    // After RegistryEvent::kWasAway and kRecordLost, and when Redis is there again.
    void recheck(Timestamp now) { own_.recheck(now); }

    void handle_timeout(Timestamp now);
    // In the past while a `done` is to be called or a conflict to be taken.
    Timestamp next_deadline() const;
    std::optional<RoomConflict> poll_conflict() { return own_.poll_conflict(); }

    struct Snapshot {
        std::uint64_t here = 0;  // without asking
        std::uint64_t placed = 0;
        std::uint64_t replaced = 0;  // of them, rooms of dead nodes
        std::uint64_t local = 0;     // without Redis
        std::uint64_t refused = 0;
        std::size_t waiting = 0;
        std::size_t returning = 0;  // of them, those that wait for Redis to be there again
        std::size_t own_rooms = 0;
        std::size_t unsure = 0;
    };
    Snapshot snapshot() const;

  private:
    struct Job {
        std::string room;
        std::string wanted;
        Done done;
        Timestamp begun;
        std::string stale;  // the dead holder
        bool refreshed = false;
        int claims = 0;
        bool may_wait = true;    // for the return of Redis
        bool returning = false;  // it does
        Timestamp due = Timestamp::never();
    };
    using JobId = std::uint64_t;

    void look_up(Timestamp now, JobId id);
    void judge(Timestamp now, JobId id, const std::string& holder);
    void keep(Timestamp now, JobId id, const std::string& holder);
    // True: the table is as new as the job; else it is read first, and `then` called.
    bool is_table_new(Timestamp now, JobId id, std::function<void(Timestamp)> then);
    void place(Timestamp now, JobId id);
    std::optional<std::vector<Offer>> offers_for(Timestamp now, JobId id);
    void refuse_none(JobId id, NoNode why);
    void claim(Timestamp now, JobId id, const std::vector<Offer>& offers);
    void handle_claim(Timestamp now, JobId id, const redis::Value* reply);
    void fall_back(Timestamp now, JobId id);
    void handle_due(Timestamp now, JobId id);
    bool wait_for_return(Timestamp now, JobId id);
    void set_due(JobId id, Timestamp due);
    void set_returning(Job& job, bool returning);
    void ask_anew(Timestamp now, JobId id);
    void note_holder(Timestamp now, const std::string& room, const std::string& holder);
    bool may_place_here(const Job& job) const;
    bool is_own_full() const;
    void finish(JobId id, Outcome outcome);
    void refuse(JobId id, PlaceError::Code code, std::string text);

    NodeRegistry& registry_;
    PlacementOptions options_;
    Rng rng_;
    OwnRooms own_;
    std::map<JobId, Job> jobs_;
    std::set<std::pair<Timestamp, JobId>> due_;
    std::size_t returning_ = 0;
    std::optional<Timestamp> away_since_;                        // Redis, as far as it was noticed
    std::map<std::string, std::string, std::less<>> elsewhere_;  // room, node
    std::deque<std::pair<Done, Outcome>> ready_;
    JobId last_ = 0;
    Snapshot counters_;
    RedisAsker redis_;
    Guard guard_;
};

}  // namespace confab::cluster::nodes
