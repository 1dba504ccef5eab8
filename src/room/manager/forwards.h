// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which participants are seen in second rooms (01 API-11), and both ways between the two: what is
// seen of the participant, and what is wanted of it. Between the turns of rooms;
// docs/design/moving.md.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "room/manager/rooms.h"

namespace confab::room {

class Forwards {
  public:
    // Of a control shard: each is a participant more. More are refused.
    static constexpr std::size_t kMaxForwards = 1'024;

    // A participant, as long as it is the one with that sid.
    struct Place {
        sfu::RoomId room;
        std::string identity;
        std::string sid;
    };

    Forwards(Rooms& rooms, const RoomScope& scope) : rooms_(&rooms), scope_(&scope) {}

    bool full() const { return forwards_.size() >= kMaxForwards; }
    bool knows(const std::string& sid, sfu::RoomId room) const;
    // `version`: of the participant as the copy shows it.
    void add(Place source, Place copy, ForwardedVersion version);
    // After each input, when no room is in its turn.
    void run();
    // Who speaks in a room is heard in those that see it, too.
    void handle_levels(const sfu::SpeakerLevels& event);
    std::size_t size() const { return forwards_.size(); }

  private:
    using Number = std::uint64_t;
    struct Forward {
        Place source;
        Place copy;
        ForwardedVersion version;
        std::map<sfu::DownTrackId, std::string> wanted;  // track sids, as was told to the source
    };
    Participant* find(const Place& place) const;
    void follow(Forward& forward);
    void pass_wishes(Forward& forward);
    void withdraw(const Forward& forward);
    std::set<Number> of(const std::vector<sfu::RoomId>& rooms) const;
    void drop(Number number);

    Rooms* rooms_;
    const RoomScope* scope_;
    std::map<Number, Forward> forwards_;  // in the order in which they were asked for
    Number last_ = 0;
    // Of both rooms of each.
    std::map<sfu::RoomId, std::set<Number>> by_room_;
};

}  // namespace confab::room
