// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/manager/forwards.h"

#include <algorithm>
#include <utility>

namespace confab::room {

bool Forwards::knows(const std::string& sid, sfu::RoomId room) const {
    const std::set<Number> there = of({room});
    return std::any_of(there.begin(), there.end(), [&](Number number) {
        const Forward& forward = forwards_.at(number);
        return forward.source.sid == sid && forward.copy.room == room &&
               find(forward.copy) != nullptr;
    });
}

void Forwards::add(Place source, Place copy, ForwardedVersion version) {
    const Number number = ++last_;
    by_room_[source.room].insert(number);
    by_room_[copy.room].insert(number);
    forwards_.emplace(number, Forward{std::move(source), std::move(copy), version, {}});
}

void Forwards::drop(Number number) {
    const auto at = forwards_.find(number);
    for (const sfu::RoomId room : {at->second.source.room, at->second.copy.room}) {
        const auto there = by_room_.find(room);
        there->second.erase(number);
        if (there->second.empty()) by_room_.erase(there);
    }
    forwards_.erase(at);
}

std::set<Forwards::Number> Forwards::of(const std::vector<sfu::RoomId>& rooms) const {
    std::set<Number> result;
    for (const sfu::RoomId room : std::set<sfu::RoomId>(rooms.begin(), rooms.end())) {
        const auto there = by_room_.find(room);
        if (there != by_room_.end()) result.insert(there->second.begin(), there->second.end());
    }
    scope_->counters.forwards_visited += result.size();
    return result;
}

Participant* Forwards::find(const Place& place) const {
    const Room* room = rooms_->find(place.room);
    Participant* p = room == nullptr ? nullptr : room->find(place.identity);
    return p == nullptr || p->sid() != place.sid ? nullptr : p;
}

// What is carried over is a turn of the other room, which others may have to follow. That ends: no
// turn is made without news, and wishes make none.
void Forwards::run() {
    std::vector<sfu::RoomId> turned = rooms_->take_turned();
    while (!turned.empty() && !forwards_.empty()) {
        for (const Number number : of(turned)) {
            Forward& forward = forwards_.at(number);
            follow(forward);
            pass_wishes(forward);
            if (find(forward.copy) != nullptr) continue;
            withdraw(forward);
            drop(number);
        }
        turned = rooms_->take_turned();
    }
}

void Forwards::follow(Forward& forward) {
    if (find(forward.copy) == nullptr) return;
    const Participant* p = find(forward.source);
    Room& there = *rooms_->find(forward.copy.room);
    if (p == nullptr) {  // it left, or moved on, or is there anew
        Room* const from = rooms_->find(forward.source.room);
        const livekit::DisconnectReason reason =
            from == nullptr
                ? livekit::ROOM_CLOSED
                : from->forwarding().end_reason(forward.source.identity, forward.source.sid);
        rooms_->in_room(there, [&](Room& room) {
            room.forwarding().end(*room.find(forward.copy.identity), reason);
        });
        return;
    }
    ForwardWiring& here = rooms_->find(forward.source.room)->forwarding();
    const ForwardedVersion version = here.version(*p);
    if (version == forward.version) return;
    forward.version = version;
    Forwarded now = here.view(*p);
    rooms_->in_room(there, [&](Room& room) {
        room.forwarding().follow(*room.find(forward.copy.identity), std::move(now));
    });
}

void Forwards::pass_wishes(Forward& forward) {
    Room* there = rooms_->find(forward.copy.room);
    if (there == nullptr) return;
    const auto wishes = there->forwarding().take_wishes(forward.copy.sid);
    for (const ForwardedWish& wish : wishes) {
        if (wish.wanted) forward.wanted[wish.wanted->by] = wish.track_sid;
        if (wish.unwanted) forward.wanted.erase(*wish.unwanted);
    }
    if (wishes.empty() || find(forward.source) == nullptr) return;
    rooms_->in_room(*rooms_->find(forward.source.room), [&](Room& room) {
        for (const ForwardedWish& wish : wishes)
            room.forwarding().carry_out(wish);
    });
}

// The room may have ended without a word of what nobody wants any more.
void Forwards::withdraw(const Forward& forward) {
    if (forward.wanted.empty() || find(forward.source) == nullptr) return;
    rooms_->in_room(*rooms_->find(forward.source.room), [&](Room& room) {
        for (const auto& [by, track_sid] : forward.wanted)
            room.forwarding().carry_out({{}, track_sid, {}, by, false});
    });
}

void Forwards::handle_levels(const sfu::SpeakerLevels& event) {
    for (const Number number : of({event.room})) {
        const Forward& forward = forwards_.at(number);
        if (forward.source.room != event.room || find(forward.copy) == nullptr) continue;
        const Participant* p = find(forward.source);
        std::vector<sfu::SpeakerLevel> levels;
        for (const sfu::SpeakerLevel& level : event.levels) {
            const auto owner = scope_->media.receivers.find(level.receiver);
            if (owner != scope_->media.receivers.end() && owner->second.participant == p)
                levels.push_back(level);
        }
        if (p == nullptr || levels.empty()) continue;
        rooms_->in_room(*rooms_->find(forward.copy.room), [&](Room& room) {
            room.forwarding().handle_levels(*room.find(forward.copy.identity), levels);
        });
    }
}

}  // namespace confab::room
