// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The rooms of a control shard: made, entered for a turn, woken at their deadlines, and ended when
// they are empty or when something in them throws (07 ERR-04). Whatever the input is, a room is
// changed within in_room() only.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "room/manager/deadlines.h"
#include "room/room.h"
#include "room/scope/scope.h"

namespace confab::room {

// A room that was ended because something in it threw.
struct RoomFailure {
    std::string room;  // its key
    std::string what;
};

class Rooms {
  public:
    // Failures kept until they are asked for; of more only the first are.
    static constexpr std::size_t kMaxFailures = 16;
    // A room is about to go because it failed: whoever is in it is to be closed.
    using Failed = std::function<void(const std::string& room_key)>;

    Rooms(const RoomScope& scope, Failed failed) : scope_(&scope), failed_(std::move(failed)) {}

    // Null when there is none.
    Room* find(const std::string& key) const;
    Room* find(sfu::RoomId id) const;
    const std::map<std::string, std::unique_ptr<Room>>& all() const { return rooms_; }

    // `origin` is asked for what the room is made of; what throws leaves nothing behind.
    template <typename Origin>
    ServiceResult<Room*> make(const std::string& key, Origin&& origin);
    // Without a word to anybody: it was closed.
    void erase(Room& room);

    // The only way to a room that may change: `input` is given it for one turn, whose end frees
    // what ended, may erase the room, and notes its next deadline. What throws ends this room and
    // no other; false then.
    template <typename Input>
    bool in_room(Room& room, Input&& input);
    // The same for what moves no deadline and ends nobody.
    template <typename Input>
    bool guarded(Room& room, Input&& input);
    // Between turns nobody is both there and ending: an end that threw half way left it. The join
    // that would meet it gets a new room.
    void fail_if_broken(const std::string& key, const std::string& identity);
    // Those that had a turn, or ended, since the last call.
    std::vector<sfu::RoomId> take_turned() { return std::exchange(turned_, {}); }
    std::vector<RoomFailure> take_failures() { return std::exchange(failures_, {}); }

    void handle_timeout();
    Timestamp next_deadline() const { return deadlines_.next(); }
    // The same by looking at everybody, for tests.
    Timestamp scan_deadlines() const;

  private:
    void settle(Room& room);
    void note_turn(const Room& room);
    void fail(Room& room, const std::exception_ptr& error);
    void note_failure(const std::string& room, const std::exception_ptr& error);

    const RoomScope* scope_;
    Failed failed_;
    std::vector<RoomFailure> failures_;
    std::vector<sfu::RoomId> turned_;
    // By key. Tenants choose the names: of a table of hashes they could choose the collisions.
    std::map<std::string, std::unique_ptr<Room>> rooms_;
    std::unordered_map<sfu::RoomId, Room*> by_id_;
    Deadlines<sfu::RoomId> deadlines_;
};

template <typename Origin>
ServiceResult<Room*> Rooms::make(const std::string& key, Origin&& origin) {
    // Another one in its place would end the first under those who are in it.
    if (CONFAB_BUG_IF(rooms_.contains(key), "room_made_twice")) return rooms_.at(key).get();
    try {
        auto made = std::make_unique<Room>(*scope_, origin());
        Room* room = made.get();
        rooms_[key] = std::move(made);
        by_id_[room->id()] = room;
        return room;
    } catch (...) {
        rooms_.erase(key);
        note_failure(key, std::current_exception());
        return service_error(ServiceCode::kInternal, "the room could not be made");
    }
}

template <typename Input>
bool Rooms::guarded(Room& room, Input&& input) {
    try {
        input(room);
        return true;
    } catch (...) {
        fail(room, std::current_exception());
        return false;
    }
}

template <typename Input>
bool Rooms::in_room(Room& room, Input&& input) {
    return guarded(room, [&](Room& entered) {
        input(entered);
        settle(entered);
    });
}

}  // namespace confab::room
