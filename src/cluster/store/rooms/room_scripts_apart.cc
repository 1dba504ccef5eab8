// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The form for a Redis Cluster: each command has keys of one slot.
#include <deque>
#include <string_view>

#include "cluster/store/keys.h"
#include "cluster/store/rooms/room_scripts.h"
#include "cluster/store/rooms/room_scripts_operations.h"
#include "cluster/store/scripts.h"

namespace confab::cluster::store {
namespace {

using redis::Value;
using Words = std::vector<std::string_view>;

Words eval(std::string_view script, std::string_view key, const Words& arguments = {}) {
    Words words = {"EVAL", script, "1", key};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return words;
}

// The commands that write rooms; views of these.
struct Writes {
    Words rooms = eval(scripts::kPutFields, keys::kRooms);
    Words internal = eval(scripts::kPutFields, keys::kRoomInternal);
    Words no_internal = {"HDEL", keys::kRoomInternal};
    std::vector<Words> participants;
    std::deque<std::string> places;  // their keys

    void add(const RoomScripts::Room& room) {
        rooms.insert(rooms.end(), {room.name, room.room});
        if (room.internal)
            internal.insert(internal.end(), {room.name, *room.internal});
        else
            no_internal.push_back(room.name);
        places.push_back(keys::participants(room.name));
        Words& words = participants.emplace_back(eval(scripts::kReplaceFields, places.back()));
        for (const auto& [identity, info] : room.participants)
            words.insert(words.end(), {identity, info});
    }
    // That of the rooms is the first.
    std::vector<Words> all() && {
        std::vector<Words> commands = {std::move(rooms)};
        if (internal.size() > 4) commands.push_back(std::move(internal));
        if (no_internal.size() > 2) commands.push_back(std::move(no_internal));
        for (Words& words : participants)
            commands.push_back(std::move(words));
        return commands;
    }
};

}  // namespace

// ---------------------------------------------------------------- compared and written

void RoomScripts::claim(Timestamp now, const SyncingPtr& syncing) {
    Words words = eval(scripts::kClaimRooms, keys::kRoomNodeMap, {syncing->node});
    for (const Room& room : syncing->rooms)
        words.push_back(room.name);
    commands_.send(now, words, [this, syncing](Timestamp at, Answer answer) {
        if (!answer) return syncing->done(at, fail(answer.error()));
        if (!syncing->take(answer)) return syncing->done(at, fail(unexpected_reply()));
        write(at, syncing);
    });
}

// After a failure rooms may be written in part, and are routed here: nobody else takes them until
// they are compared again.
void RoomScripts::write(Timestamp now, const SyncingPtr& syncing) {
    Writes writes;
    std::vector<Synced*> ours;
    for (std::size_t i = 0; i < syncing->rooms.size(); ++i) {
        if (syncing->synced[i].elsewhere) continue;
        writes.add(syncing->rooms[i]);
        ours.push_back(&syncing->synced[i]);
    }
    if (ours.empty()) return syncing->done(now, std::move(syncing->synced));
    commands_.send_all(now, std::move(writes).all(),
                       [syncing, ours](Timestamp at, const std::vector<Answer>& answers) {
                           if (const auto failure = failure_of(answers))
                               return syncing->done(at, fail(*failure));
                           const std::vector<Value>& were_there = answers.front()->items;
                           if (were_there.size() != ours.size())
                               return syncing->done(at, fail(unexpected_reply()));
                           for (std::size_t i = 0; i < ours.size(); ++i)
                               ours[i]->was_there &= were_there[i].integer == 1;
                           syncing->done(at, std::move(syncing->synced));
                       });
}

// ---------------------------------------------------------------- deleted

void RoomScripts::guard(Timestamp now, Owner owner, const RemovingPtr& removing) {
    const bool claims = owner == Owner::kHere;
    const Words words =
        claims ? eval(scripts::kClaimRooms, keys::kRoomNodeMap, {removing->node, removing->name})
               : Words{"HGET", keys::kRoomNodeMap, removing->name};
    commands_.send(now, words, [this, claims, removing](Timestamp at, Answer answer) {
        if (!answer) return removing->done(at, fail(answer.error()));
        if (claims && answer->items.size() != 1)
            return removing->done(at, fail(unexpected_reply()));
        Value& routed = claims ? answer->items[0] : *answer;
        if (routed.kind == Value::Kind::kText && routed.text != removing->node)
            return removing->done(at, Removed{false, {}, std::move(routed.text)});
        remove_parts(at, removing);
    });
}

void RoomScripts::remove_parts(Timestamp now, const RemovingPtr& removing) {
    const std::string participants = keys::participants(removing->name);
    const std::string dispatches = keys::agent_dispatch(removing->name);
    const std::string jobs = keys::agent_job(removing->name);
    commands_.send_all(now,
                       {{"HDEL", keys::kRoomInternal, removing->name},
                        {"DEL", participants},
                        {"DEL", dispatches},
                        {"DEL", jobs}},
                       [this, removing](Timestamp at, const std::vector<Answer>& answers) {
                           if (const auto failure = failure_of(answers))
                               return removing->done(at, fail(*failure));
                           take_room(at, removing);
                       });
}

// Not with the others: of a room whose deletion has failed before, the Room is told by the next.
void RoomScripts::take_room(Timestamp now, const RemovingPtr& removing) {
    commands_.send(now, eval(scripts::kTakeField, keys::kRooms, {removing->name}),
                   [this, removing](Timestamp at, Answer answer) {
                       if (!answer) return removing->done(at, fail(answer.error()));
                       removing->room = take_text(std::move(*answer));
                       drop_routing(at, removing);
                   });
}

void RoomScripts::drop_routing(Timestamp now, const RemovingPtr& removing) {
    commands_.send(
        now, eval(scripts::kDropRouting, keys::kRoomNodeMap, {removing->name, removing->node}),
        [removing](Timestamp at, Answer answer) {
            if (!answer) return removing->done(at, fail(answer.error()));
            if (answer->kind == Value::Kind::kText)  // taken meanwhile: it is that one's again
                return removing->done(at, Removed{false, {}, std::move(answer->text)});
            removing->done(at, Removed{true, std::move(removing->room), {}});
        });
}

}  // namespace confab::cluster::store
