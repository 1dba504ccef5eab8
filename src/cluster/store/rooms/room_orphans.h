// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rooms of nodes that died (RDS-27 b, c): when nobody has placed one again within its departure
// timeout, what Redis has of it is deleted and its end is reported once. Who is dead is another's
// to say; whether somebody has the room again is looked at when it is deleted (room_scripts.h).
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/time.h"
#include "cluster/store/commands.h"
#include "cluster/store/rooms/room_reader.h"
#include "cluster/store/rooms/room_scripts.h"
#include "redis/port.h"

namespace confab::cluster::store {

class RoomOrphans {
  public:
    // Where the record does not say, or says more than a day.
    static constexpr Duration kDeparture = Duration::seconds(20);
    static constexpr Duration kLongestDeparture = Duration::seconds(86'400);
    static constexpr Duration kRetry = Duration::seconds(2);  // of what Redis has not answered
    // Beyond, more are not looked after until some are done (they come again with the next report).
    static constexpr std::size_t kMaxWaiting = 100'000;
    static constexpr std::size_t kMaxOnTheWay = 64;

    // The last livekit.Room that Redis had. Twice only if the reply to a deletion was lost and
    // another node deleted the room at the same time.
    using Finished =
        std::function<void(Timestamp now, const std::string& name, const std::string& room)>;

    // Port and notices outlive it.
    RoomOrphans(redis::Port& port, Notices& notices, Finished finished,
                RoomScripts::Form form = RoomScripts::Form::kTogether);

    // The room is routed to a node that is dead, or was. Again and again does no harm.
    void orphaned(Timestamp now, const std::string& room, const std::string& dead_node);

    using Outcome = RoomScripts::Removed;
    // DeleteRoom of a room whose node does not answer: at once, if it is still routed to that node
    // (empty: to nobody). `done` once, perhaps inside the call. Its end is reported to Finished
    // too.
    void delete_now(Timestamp now, const std::string& room, const std::string& dead_node,
                    Got<Outcome> done);

    void handle_up(Timestamp now);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;
    std::size_t waiting() const { return orphans_.size(); }

  private:
    struct Orphan {
        std::string node;
        std::string room;     // as last read
        bool read = false;    // its timeout is known
        bool asked = false;   // on the way
        bool unsure = false;  // a deletion was not answered
        Timestamp due;
    };

    void schedule(const std::string& name, Orphan& orphan, Timestamp at);
    void read(Timestamp now, const std::string& name, Orphan& orphan);
    void known(Timestamp now, const std::string& name, const Result<std::string, Failure>& room);
    void remove(Timestamp now, const std::string& name, Orphan& orphan);
    void removed(Timestamp now, const std::string& name, const Result<Outcome, Failure>& outcome);

    Finished finished_;
    std::map<std::string, Orphan> orphans_;
    std::set<std::pair<Timestamp, std::string>> due_;
    std::size_t on_the_way_ = 0;
    RoomReader reader_;
    Commands commands_;
    RoomScripts scripts_;
};

}  // namespace confab::cluster::store
