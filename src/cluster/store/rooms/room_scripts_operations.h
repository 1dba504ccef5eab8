// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What an operation of RoomScripts holds until it is answered.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cluster/store/rooms/room_scripts.h"

namespace confab::cluster::store {

struct RoomScripts::Syncing {
    std::string node;
    std::vector<Room> rooms;
    Got<std::vector<Synced>> done;
    std::vector<Synced> synced;

    // Of each room a number, 0 if it was there, or the text of another node. False: it is none.
    bool take(Answer& answer) {
        if (answer->items.size() != rooms.size()) return false;
        for (redis::Value& one : answer->items) {
            Synced& state = synced.emplace_back();
            state.was_there = one.kind == redis::Value::Kind::kInteger && one.integer == 0;
            if (one.kind == redis::Value::Kind::kText) state.elsewhere = std::move(one.text);
        }
        return true;
    }
};

struct RoomScripts::Removing {
    std::string name;
    std::string node;
    Got<Removed> done;
    std::string room;
};

inline Failure unexpected_reply() {
    return {Failure::Code::kUnavailable, "an unexpected reply"};
}

}  // namespace confab::cluster::store
