// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RoomManager: what throws inside a room ends that room and leaves the others alone (07 ERR-04).
#include <exception>

#include "room/manager/room_manager.h"

namespace confab::room {
namespace {

template <typename Map>
void forget_media_of(Map& owners, const Room* room) {
    std::erase_if(owners, [room](const auto& entry) { return entry.second.room == room; });
}

}  // namespace

void RoomManager::contain(Room& room, const std::function<void()>& turn) {
    try {
        turn();
    } catch (const std::exception& error) {
        fail_room(room, error.what());
    } catch (...) {
        fail_room(room, "an unknown exception");
    }
}

// Between turns nobody is both there and ending: an end that threw half way left it. The join that
// would meet it gets a new room.
void RoomManager::fail_if_broken(const std::string& name, const std::string& identity) {
    const auto it = rooms_.find(name);
    if (it == rooms_.end()) return;
    const Participant* known = it->second->find(identity);
    if (known != nullptr && known->closing)
        fail_room(*it->second, "a participant that ended is still there");
}

// Its state may be anything: it is asked to close as at a shutdown, so that its clients come back
// to a new room, and goes whatever comes of that.
void RoomManager::fail_room(Room& room, std::string what) {
    const std::string name(room.name());
    if (failures_.size() < kMaxFailures) failures_.push_back({name, std::move(what)});
    try {
        room.close(livekit::SERVER_SHUTDOWN);
    } catch (...) {  // NOLINT(bugprone-empty-catch): what it did not do follows
    }
    for (const auto& [session, place] : sessions_)
        if (place.room == name) out_.close(session, 1000);
    forget_media_of(media_.peers, &room);
    forget_media_of(media_.receivers, &room);
    forget_media_of(media_.down_tracks, &room);
    erase(room);
}

}  // namespace confab::room
