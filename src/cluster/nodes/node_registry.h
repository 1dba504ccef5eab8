// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Keeps this node registered, and the table of all nodes (03 NODE-01, NODE-02, NODE-04, NODE-15,
// RDS-01, RDS-07, RDS-31, RDS-32, OPS-01). A machine over Redis and the bus.
//
// The heartbeat goes through the loop: a ping is published on the node's own topic, and only its
// receipt writes the record. So a fresh record says that this node hears what it is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/rng.h"
#include "cluster/nodes/clock.h"
#include "cluster/nodes/heartbeat.h"
#include "cluster/nodes/node_table.h"
#include "cluster/nodes/record/node_record.h"
#include "cluster/nodes/record/rate_windows.h"
#include "cluster/nodes/script/redis_asker.h"
#include "redis/port.h"
#include "rpc/bus.h"

namespace confab::cluster::nodes {

struct RegistryOptions {
    std::string id;  // new at every start (NODE-01)
    std::string ip;
    std::string region;
    std::uint32_t num_cpus = 0;
    std::string version = "0.0.0";
    NodeLimits limits;
    std::string link;                           // NodeRecord::link
    Duration heartbeat = Duration::seconds(2);  // node_stats.stats_update_interval
    std::vector<Duration> rate_windows = {Duration::seconds(10)};
};

struct RegistryEvent {
    enum class Kind : std::uint8_t {
        kRegistered,  // the first time
        kNode,        // `node`: what the table tells of others
        // Others may have taken us for dead, or Redis lost what it had (RDS-32): own rooms are to
        // be checked (Placement::recheck) and what else of ours was there is to be written again.
        kWasAway,
        kRecordLost,
        kIdTaken,    // somebody else writes a record with our id: take a new one
        kIdInUse,    // the same, and it was there first: this process has to end
        kLoopStuck,  // pings do not come back though Redis answers: once per occasion
    };
    Kind kind = Kind::kRegistered;
    TableEvent node{};
    std::string text;  // for a log
};

class NodeRegistry {
  public:
    static constexpr Duration kPoll = Duration::seconds(2);  // of the table; a tenth less at random
    static constexpr Duration kSoonest = Duration::millis(250);   // between two polls
    static constexpr Duration kRetry = Duration::seconds(1);      // of what Redis refused
    static constexpr Duration kSlow = Duration::seconds(1);       // a reply that says: Redis hangs
    static constexpr Duration kFresh = Duration::seconds(4);      // NODE-15
    static constexpr Duration kMaxDelay = Duration::seconds(30);  // node_stats.stats_max_delay
    // After the first record: whoever else has our id and came first keeps it.
    static constexpr Duration kTrial = Duration::seconds(10);
    static constexpr std::size_t kMaxEvents = 8192;  // beyond, the oldest is lost

    using Figures = std::function<NodeFigures()>;
    using Done = Callback<Timestamp>;

    NodeRegistry(redis::Port& redis, rpc::Bus& bus, RegistryOptions options, Figures figures,
                 Rng rng);

    // ---- what the owner does. Registers as soon as Redis is there and the bus listens: the dead
    // are noted, then the own record is written with this state, then the version.
    void start(const Clock& clock, NodeState state);
    // Written at once. SHUTTING_DOWN and SERVING may follow each other (OPS-01).
    void set_state(const Clock& clock, NodeState state);
    // Withdraws the record; `done` after it, or when Redis does not take it.
    void stop(const Clock& clock, Done done);
    // Redis is there (again), or went: from the Events of the port.
    void handle_up(const Clock& clock);
    void handle_down(const Clock& clock);

    void handle_timeout(const Clock& clock);
    // In the past while there are events: replies bring them too.
    Timestamp next_deadline() const;
    std::optional<RegistryEvent> poll_event();

    // `done` after a poll that begins now or later; at once, inside handle_timeout(), if Redis does
    // not answer. Those who wait share one poll; there are as many as rooms that Placement and
    // OwnRooms have under way, which are bounded.
    void refresh(Timestamp now, Done done);
    // Somebody knows that the process of a node has ended (NodeTable::prove_dead).
    void prove_dead(Timestamp now, const std::string& id);
    void note(Timestamp now, const std::string& id, NodeTable::Sign sign) {
        table_.note(now, id, sign);
    }
    // Removes a record if it is still this one (RDS-27).
    void remove(Timestamp now, const std::string& id);

    const NodeTable& table() const { return table_; }
    const std::string& id() const { return options_.id; }
    const NodeLimits& limits() const { return options_.limits; }
    const std::string& region() const { return options_.region; }
    NodeState state() const { return state_; }

    // ---- health. Alive is the process itself, and not asked here.
    // May be sent new work: both connections are up, the own record is fresh, nothing drains.
    bool is_ready(Timestamp now) const;
    // "OK", or what GET / says with 406 (NODE-15); a draining node is well.
    std::string health_text(const Clock& clock) const;
    // When Redis last took our record, by our clock.
    std::optional<UnixTime> last_heartbeat() const {
        return stored_ ? std::optional(stored_wall_) : std::nullopt;
    }
    bool is_healthy(Timestamp now) const { return stored_ && now - *stored_ <= kFresh; }

    struct Snapshot {
        std::uint64_t written = 0;  // records
        std::uint64_t polls = 0;
        std::uint64_t removed = 0;  // records of the dead
        std::uint64_t strange_versions = 0;
        std::uint64_t lost_events = 0;
    };
    const Snapshot& snapshot() const { return counters_; }
    std::uint64_t refused() const { return redis_.refused(); }  // commands without a good reply

  private:
    Clock at(Timestamp now) const { return {now, clock_.wall_at(now)}; }
    void join(const Clock& clock);
    void write(const Clock& clock);
    std::string own_record(const Clock& clock);
    void handle_written(Timestamp asked, Timestamp now, const redis::Value* reply);
    void check_version(Timestamp now);

    void poll(const Clock& clock);
    void handle_records(Timestamp asked, Timestamp now, redis::Value* reply);
    void check_own(Timestamp now);
    bool check_id();
    void note_dead(Timestamp now);
    void ask_for_listeners(Timestamp now);
    void answer_waiting(Timestamp now, Timestamp asked);
    void lose_record();
    void check_loop(Timestamp now);
    void tell(RegistryEvent event);
    void take_table_events();

    RegistryOptions options_;
    Figures figures_;
    Rng rng_;
    RateWindows rates_;
    NodeTable table_;
    const rpc::Bus& bus_;
    Heartbeat heartbeat_;

    Clock clock_;  // of the last input
    bool started_ = false;
    bool stopped_ = false;
    NodeState state_ = NodeState::kStartingUp;
    std::int64_t started_at_ = 0;
    Timestamp began_;          // the same, by the clock that is never set
    bool is_id_free_ = false;  // by the latest poll
    bool registered_ = false;  // once
    Timestamp registered_at_;
    bool writing_ = false;
    bool there_ = false;               // our record, as far as we know
    std::optional<Timestamp> stored_;  // of the figures in it
    UnixTime stored_wall_;
    Timestamp write_at_ = Timestamp::never();
    bool told_taken_ = false;
    bool told_stuck_ = false;

    Timestamp poll_at_ = Timestamp::never();
    std::optional<Timestamp> polling_;  // since
    std::deque<std::pair<Timestamp, Done>> waiting_;
    std::set<std::string> dead_at_start_;
    std::optional<Timestamp> dead_noted_;
    bool counts_listeners_ = true;  // Redis does, and was not away: others may be on their way back

    std::deque<RegistryEvent> events_;
    Snapshot counters_;
    RedisAsker redis_;  // last, so that no reply comes to what is half gone
};

}  // namespace confab::cluster::nodes
