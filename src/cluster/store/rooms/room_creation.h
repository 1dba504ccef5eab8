// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Making a room, or changing one that there is, while no other node does (RDS-21): lock, read,
// build or overlay, write, unlock. Six commands; one turn fewer to Redis than commands, since what
// belongs together goes together.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/rng.h"
#include "base/time.h"
#include "cluster/store/commands.h"
#include "cluster/store/records.h"
#include "cluster/store/rooms/room_lock.h"
#include "cluster/store/rooms/room_overlay.h"
#include "cluster/store/rooms/room_reader.h"
#include "livekit_room.pb.h"
#include "redis/port.h"

namespace confab::cluster::store {

class RoomCreation {
  public:
    // A room that there is not yet, from the request and the configuration.
    using Build = std::function<RoomBytes(Timestamp now, const livekit::CreateRoomRequest&)>;
    struct Created {
        RoomBytes bytes;  // as stored now
        bool fresh = false;
    };
    using Done = Callback<Timestamp, Result<Created, Failure>>;

    // For one room. Port and notices outlive it. The request's name is the room's key, its preset
    // has been applied; sizes have been checked.
    RoomCreation(redis::Port& port, Notices& notices, Rng& rng, livekit::CreateRoomRequest request,
                 Build build);

    // `done` once, from a later turn. kBusy: another node made it all the time, or this one was so
    // slow that the lock ended; nothing was written then. kInvalid: what is stored does not decode
    // and is left as it is. kUnavailable: no reply in time; whether it was written is not known. It
    // may end this object.
    void start(Timestamp now, Done done);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline() const;

  private:
    void read(Timestamp now);
    void write(Timestamp now, Created created);
    void written(Timestamp now, const std::optional<Failure>& trouble);
    void end(Timestamp now, Result<Created, Failure> result);

    livekit::CreateRoomRequest request_;
    Build build_;
    Created created_;
    Timestamp give_up_ = Timestamp::never();
    Done done_;
    RoomLock lock_;
    RoomReader reader_;
    Commands commands_;
};

}  // namespace confab::cluster::store
