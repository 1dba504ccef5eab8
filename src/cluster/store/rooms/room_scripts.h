// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is done to rooms in Redis as a whole: compared and written (RDS-02…04, RDS-06, RDS-32), and
// deleted (NODE-16). In two forms that give the same answers.
//
// The form for a Redis Cluster is several commands, each of keys that one master has. After a
// failure in their middle the whole is done again by the caller, and what another node did
// meanwhile stays: the routing is looked at first, and while it names the caller nobody else takes
// the room; of a room that is deleted the routing goes last, so that until then others come here
// for it. Not one step is the look and what follows: who takes a room of a dead node within these
// few milliseconds may lose its records, and its RoomRecords write them again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "cluster/store/commands.h"
#include "cluster/store/records.h"
#include "redis/port.h"

namespace confab::cluster::store {

class RoomScripts {
  public:
    enum class Form : std::uint8_t {
        kTogether,  // a script each, in one step
        kApart,     // for a Redis Cluster, whose masters each have some of the keys
    };

    // Port and notices outlive it. With its end nobody is called any more.
    RoomScripts(redis::Port& port, Notices& notices, Form form)
        : form_(form), commands_(port, notices) {}

    // A room as it should be: serialised Room, RoomInternal, and ParticipantInfo by identity.
    struct Room {
        std::string name;
        std::string room;
        std::optional<std::string> internal;
        std::vector<std::pair<std::string, std::string>> participants;
    };
    struct Synced {
        bool was_there = false;                // routed to the node, with a Room
        std::optional<std::string> elsewhere;  // the node it is routed to instead; nothing is done
    };
    // Writes what differs of rooms of `node`, removes participants that are not named, and routes
    // rooms that have no routing to it. `done` once, perhaps inside the call, with as many as
    // `rooms`; a failure may be after some of it.
    void sync(Timestamp now, const std::string& node, std::vector<Room> rooms,
              Got<std::vector<Synced>> done);

    enum class Owner : std::uint8_t {
        kHere,  // the node is this one: nobody else gets the room before it is deleted
        kGone,  // it is dead
    };
    struct Removed {
        bool deleted = false;  // false: the room is routed to `node`
        std::string room;      // livekit.Room as it was; empty if there was none
        std::string node;
    };
    // Deletes all there is of a room that is routed to `node` or to nobody. `done` once, perhaps
    // inside the call; a failure may be after some of it, and then the room may have been lost with
    // the reply.
    void remove(Timestamp now, Owner owner, const std::string& name, const std::string& node,
                Got<Removed> done);

  private:
    struct Syncing;
    struct Removing;
    using SyncingPtr = std::shared_ptr<Syncing>;
    using RemovingPtr = std::shared_ptr<Removing>;

    void sync_together(Timestamp now, const SyncingPtr& syncing);
    // ---- apart (room_scripts_apart.cc), in this order
    void claim(Timestamp now, const SyncingPtr& syncing);
    void write(Timestamp now, const SyncingPtr& syncing);
    void guard(Timestamp now, Owner owner, const RemovingPtr& removing);
    void remove_parts(Timestamp now, const RemovingPtr& removing);
    void take_room(Timestamp now, const RemovingPtr& removing);
    void drop_routing(Timestamp now, const RemovingPtr& removing);

    Form form_;
    Commands commands_;
};

}  // namespace confab::cluster::store
