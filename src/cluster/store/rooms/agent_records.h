// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Agent dispatches and jobs of the rooms that live at this node, as the next node of a room finds
// them in Redis (RDS-18, RDS-19), written behind. What waits is how things are, never a list of
// changes; after an outage all is written again (RDS-32). They go with their room (RoomRecords).
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/time.h"
#include "cluster/store/dispatch_store.h"

namespace confab::cluster::store {

class AgentRecords {
  public:
    // Without an answer; what is due meanwhile waits.
    static constexpr std::size_t kMaxOnTheWay = 256;
    // What Redis refuses is tried again after that long.
    static constexpr Duration kAgain = Duration::seconds(10);
    // Of all records; more are not kept, and not written.
    static constexpr std::size_t kMaxHeld = std::size_t{256} << 20;  // bytes
    // To be written or deleted; what is deleted beyond that stays until its room ends.
    static constexpr std::size_t kMaxWaiting = 100'000;

    // It outlives this.
    explicit AgentRecords(DispatchStore& store) : store_(store) {}

    // ---- how things are. Rooms by their keys; serialised livekit.AgentDispatch, livekit.Job.
    void put_dispatch(Timestamp now, const std::string& room, const std::string& id,
                      std::string dispatch) {
        put(now, {room, Kind::kDispatch, id}, std::move(dispatch));
    }
    void put_job(Timestamp now, const std::string& room, const std::string& id, std::string job) {
        put(now, {room, Kind::kJob, id}, std::move(job));
    }
    void remove_dispatch(Timestamp now, const std::string& room, const std::string& id) {
        remove(now, {room, Kind::kDispatch, id});
    }
    void remove_job(Timestamp now, const std::string& room, const std::string& id) {
        remove(now, {room, Kind::kJob, id});
    }
    // The room ended, or is another node's.
    void close(const std::string& room);

    // Redis is there again.
    void handle_up(Timestamp now);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const { return again_at_; }

    struct Snapshot {
        std::size_t held = 0;     // records
        std::size_t bytes = 0;    // of them
        std::size_t waiting = 0;  // to be written
        std::uint64_t dropped = 0;
    };
    Snapshot snapshot() const { return {records_.size(), bytes_, waiting_.size(), dropped_}; }

  private:
    enum class Kind : std::uint8_t { kDispatch, kJob };
    struct Name {
        std::string room;
        Kind kind = Kind::kDispatch;
        std::string id;
        auto operator<=>(const Name&) const = default;
    };
    void put(Timestamp now, Name name, std::string bytes);
    void remove(Timestamp now, Name name);
    void forget(const Name& name);
    void flush(Timestamp now);
    void write(Timestamp now, const Name& name);
    void written(Timestamp now, const Name& name, bool was_put, const Result<bool, Failure>& done);

    DispatchStore& store_;
    std::map<Name, std::string> records_;
    std::size_t bytes_ = 0;
    std::set<Name> waiting_;  // to be written, or deleted where there is no record
    std::size_t on_the_way_ = 0;
    Timestamp again_at_ = Timestamp::never();
    std::uint64_t dropped_ = 0;
};

}  // namespace confab::cluster::store
