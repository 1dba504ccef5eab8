// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_scripts.h"

#include "cluster/store/keys.h"
#include "cluster/store/rooms/room_scripts_operations.h"
#include "cluster/store/scripts.h"

namespace confab::cluster::store {
namespace {

// Of a reply to kDeleteRoom.
RoomScripts::Removed removed_of(redis::Value&& reply) {
    RoomScripts::Removed removed;
    if (reply.items.empty()) return removed;
    removed.deleted = reply.items[0].integer == 1;
    if (reply.items.size() > 1)
        (removed.deleted ? removed.room : removed.node) = std::move(reply.items[1].text);
    return removed;
}

}  // namespace

void RoomScripts::sync(Timestamp now, const std::string& node, std::vector<Room> rooms,
                       Got<std::vector<Synced>> done) {
    const auto syncing =
        std::make_shared<Syncing>(Syncing{node, std::move(rooms), std::move(done), {}});
    if (form_ == Form::kApart) return claim(now, syncing);
    sync_together(now, syncing);
}

void RoomScripts::sync_together(Timestamp now, const SyncingPtr& syncing) {
    std::vector<std::string> places = {std::string(keys::kRoomNodeMap), std::string(keys::kRooms),
                                       std::string(keys::kRoomInternal)};
    std::vector<std::string> arguments = {syncing->node};
    for (const Room& room : syncing->rooms) {
        places.push_back(keys::participants(room.name));
        arguments.insert(arguments.end(),
                         {room.name, room.room, room.internal ? "1" : "0",
                          room.internal.value_or(""), std::to_string(room.participants.size())});
        for (const auto& [identity, info] : room.participants)
            arguments.insert(arguments.end(), {identity, info});
    }
    commands_.eval(now, scripts::kSyncRooms, places, arguments,
                   [syncing](Timestamp at, Answer answer) {
                       if (!answer) return syncing->done(at, fail(answer.error()));
                       if (!syncing->take(answer))
                           return syncing->done(at, fail(unexpected_reply()));
                       syncing->done(at, std::move(syncing->synced));
                   });
}

void RoomScripts::remove(Timestamp now, Owner owner, const std::string& name,
                         const std::string& node, Got<Removed> done) {
    if (form_ == Form::kApart)
        return guard(now, owner,
                     std::make_shared<Removing>(Removing{name, node, std::move(done), {}}));
    commands_.eval(now, scripts::kDeleteRoom, keys::of_room(name), {name, node},
                   [done = std::move(done)](Timestamp at, Answer answer) mutable {
                       if (!answer) return done(at, fail(answer.error()));
                       done(at, removed_of(std::move(*answer)));
                   });
}

}  // namespace confab::cluster::store
