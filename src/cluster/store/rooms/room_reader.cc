// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/store/rooms/room_reader.h"

#include <utility>

#include "cluster/store/keys.h"
#include "livekit_internal.pb.h"
#include "livekit_models.pb.h"

namespace confab::cluster::store {
namespace {

constexpr std::string_view kNoRoom = "requested room does not exist";
constexpr std::string_view kNoParticipant = "participant does not exist";

}  // namespace

void RoomReader::rooms(Timestamp now, Got<StoredList> done) {
    commands_.send(now, {"HGETALL", keys::kRooms},
                   [this, done = std::move(done)](Timestamp at, Answer answer) mutable {
                       done(at, all_of<livekit::Room>(at, commands_.notices(), keys::kRooms,
                                                      std::move(answer)));
                   });
}

void RoomReader::rooms(Timestamp now, std::vector<std::string> names, Got<StoredList> done) {
    if (names.empty()) return done(now, StoredList());
    if (names.size() > kMaxNames) return done(now, fail(too_many_names()));
    // A vector's strings stay where they are when it moves.
    const auto words = hmget(keys::kRooms, names);
    commands_.send(now, words,
                   [this, names = std::move(names), done = std::move(done)](Timestamp at,
                                                                            Answer answer) mutable {
                       done(at, some_of<livekit::Room>(at, commands_.notices(), keys::kRooms, names,
                                                       std::move(answer)));
                   });
}

void RoomReader::room(Timestamp now, const std::string& name, Got<std::string> done) {
    commands_.send(now, {"HGET", keys::kRooms, name},
                   [this, name, done = std::move(done)](Timestamp at, Answer answer) mutable {
                       done(at, one_of<livekit::Room>(at, commands_.notices(), keys::kRooms, name,
                                                      kNoRoom, std::move(answer)));
                   });
}

void RoomReader::room_with_internal(Timestamp now, const std::string& name,
                                    Got<RoomWithInternal> done) {
    commands_.send_all(
        now, {{"HGET", keys::kRooms, name}, {"HGET", keys::kRoomInternal, name}},
        [this, name, done = std::move(done)](Timestamp at, std::vector<Answer> answers) mutable {
            auto room = one_of<livekit::Room>(at, commands_.notices(), keys::kRooms, name, kNoRoom,
                                              std::move(answers[0]));
            auto internal = one_of<livekit::RoomInternal>(
                at, commands_.notices(), keys::kRoomInternal, name, "", std::move(answers[1]));
            if (!room) return done(at, fail(room.error()));
            if (internal) return done(at, RoomWithInternal{std::move(*room), std::move(*internal)});
            if (internal.error().code != Failure::Code::kNotFound)
                return done(at, fail(internal.error()));
            done(at, RoomWithInternal{std::move(*room), std::nullopt});
        });
}

void RoomReader::participants(Timestamp now, const std::string& room, Got<StoredList> done) {
    const std::string key = keys::participants(room);
    commands_.send(now, {"HGETALL", key},
                   [this, key, done = std::move(done)](Timestamp at, Answer answer) mutable {
                       done(at, all_of<livekit::ParticipantInfo>(at, commands_.notices(), key,
                                                                 std::move(answer)));
                   });
}

void RoomReader::participant(Timestamp now, const std::string& room, const std::string& identity,
                             Got<std::string> done) {
    const std::string key = keys::participants(room);
    commands_.send(
        now, {"HGET", key, identity},
        [this, key, identity, done = std::move(done)](Timestamp at, Answer answer) mutable {
            done(at, one_of<livekit::ParticipantInfo>(at, commands_.notices(), key, identity,
                                                      kNoParticipant, std::move(answer)));
        });
}

}  // namespace confab::cluster::store
