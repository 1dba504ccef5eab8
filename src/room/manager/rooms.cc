// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/rooms.h"

#include <stdexcept>

#include "base/check.h"

namespace confab::room {

Room* Rooms::find(const std::string& key) const {
    const auto it = rooms_.find(key);
    return it == rooms_.end() ? nullptr : it->second.get();
}

Room* Rooms::find(sfu::RoomId id) const {
    const auto it = by_id_.find(id);
    return it == by_id_.end() ? nullptr : it->second;
}

void Rooms::note_turn(const Room& room) {
    if (turned_.empty() || turned_.back() != room.id()) turned_.push_back(room.id());
}

void Rooms::settle(Room& room) {
    note_turn(room);
    if (room.expired()) {
        room.close(livekit::ROOM_CLOSED);
        return erase(room);
    }
    room.finish_turn();
    deadlines_.set(room.id(), room.next_deadline());
}

void Rooms::erase(Room& room) {
    // Whose an event is says a pointer: what is left there is used after its end.
    CONFAB_DCHECK(!scope_->media.names(room));
    note_turn(room);
    deadlines_.erase(room.id());
    by_id_.erase(room.id());
    std::string key = room.key();  // which ends with the room
    rooms_.erase(key);
    if (scope_->config.agents_listen) scope_->out.served({key, false});
    if (scope_->config.store_listens) scope_->out.forget(RemoveRoom{std::move(key)});
}

// ---------------------------------------------------------------- failures

void Rooms::note_failure(const std::string& room, const std::exception_ptr& error) {
    if (failures_.size() >= kMaxFailures) return;
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& known) {
        failures_.push_back({room, known.what()});
    } catch (...) {
        failures_.push_back({room, "an unknown exception"});
    }
}

// Its state may be anything: it is asked to close as at a shutdown, so that its clients come back
// to a new room, and goes whatever comes of that.
void Rooms::fail(Room& room, const std::exception_ptr& error) {
    const std::string key(room.key());
    note_failure(key, error);
    try {
        room.close(livekit::SERVER_SHUTDOWN);
    } catch (...) {  // NOLINT(bugprone-empty-catch): what it did not do follows
    }
    failed_(key);
    scope_->media.forget(room);
    erase(room);
}

void Rooms::fail_if_broken(const std::string& key, const std::string& identity) {
    Room* room = find(key);
    const Participant* known = room == nullptr ? nullptr : room->find(identity);
    if (known == nullptr || !known->closing) return;
    fail(*room,
         std::make_exception_ptr(std::logic_error("a participant that ended is still there")));
}

// ---------------------------------------------------------------- time

Timestamp Rooms::scan_deadlines() const {
    Timestamp result = Timestamp::never();
    for (const auto& [name, room] : rooms_)
        result = earlier(result, room->scan_deadlines());
    return result;
}

void Rooms::handle_timeout() {
    std::vector<sfu::RoomId> due;
    while (const auto id = deadlines_.pop_due(scope_->now()))
        due.push_back(*id);
    for (const sfu::RoomId id : due)
        if (Room* room = find(id)) in_room(*room, [](Room& entered) { entered.handle_timeout(); });
}

}  // namespace confab::room
