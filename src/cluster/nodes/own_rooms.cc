// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/nodes/own_rooms.h"

#include <algorithm>
#include <utility>

#include "cluster/nodes/script/scripts.h"

namespace confab::cluster::nodes {

using redis::Value;

void OwnRooms::add(Timestamp now, const std::string& room, bool is_sure) {
    releases_.erase(room);
    if (rooms_.size() >= kMaxRooms && !rooms_.contains(room)) return;
    rooms_.insert(room);
    if (is_sure) {
        unsure_.erase(room);
        return;
    }
    unsure_.insert(room);
    wake(now + kRetry);
}

void OwnRooms::forget(const std::string& room) {
    rooms_.erase(room);
    unsure_.erase(room);
}

void OwnRooms::release(Timestamp now, const std::string& room) {
    forget(room);
    if (releases_.size() >= kMaxReleases) return;
    releases_.insert(room);
    wake(now);
}

void OwnRooms::recheck(Timestamp now) {
    unsure_ = rooms_;
    wake(now);
}

void OwnRooms::handle_timeout(Timestamp now) {
    if (now < due_) return;
    due_ = Timestamp::never();
    send_releases(now);
    check_page(now);
}

void OwnRooms::send_releases(Timestamp now) {
    for (const std::string& room : std::exchange(releases_, {}))
        redis_.ask(now,
                   std::vector<std::string_view>{"EVAL", kDropIfScript, "1", kRoomsKey, room,
                                                 registry_.id()},
                   [this, room](Timestamp at, const Value* reply) {
                       if (reply != nullptr || rooms_.contains(room)) return;
                       releases_.insert(room);
                       wake(at + kRetry);
                   });
}

void OwnRooms::check_page(Timestamp now) {
    if (checking_ || unsure_.empty()) return;
    checking_ = true;
    std::vector<std::string> rooms;
    for (auto it = unsure_.begin(); it != unsure_.end() && rooms.size() < kPage; ++it)
        rooms.push_back(*it);
    std::vector<std::string_view> words = {"EVAL", kHoldScript, "1", kRoomsKey, registry_.id()};
    words.insert(words.end(), rooms.begin(), rooms.end());
    // A copy: the words are views of `rooms`.
    redis_.ask(now, words, [this, rooms](Timestamp at, const Value* holders) {
        checking_ = false;
        handle_page(at, rooms, holders);
    });
}

void OwnRooms::handle_page(Timestamp now, const std::vector<std::string>& rooms,
                           const Value* holders) {
    if (holders == nullptr || holders->items.size() != rooms.size()) return wake(now + kRetry);
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        if (unsure_.erase(rooms[i]) == 0) continue;  // released meanwhile
        if (const std::string& holder = holders->items[i].text; holder != registry_.id())
            settle(now, rooms[i], holder);
    }
    if (!unsure_.empty()) wake(now);
}

// The table may be older than the holder. A room is not given up to one that may be dead, only not
// known to be so since Redis was away.
void OwnRooms::settle(Timestamp now, const std::string& room, const std::string& holder) {
    const NodeTable& table = registry_.table();
    if (table.is_proven(holder)) return give_up(room, holder);
    if (table.is_usable(holder)) return doubt(now, room);
    const auto judge = [this, now, room, holder](Timestamp at) {
        if (!rooms_.contains(room)) return;
        const bool is_new = registry_.table().asked() >= now;
        if (!is_new || registry_.table().is_usable(holder)) return doubt(at, room);
        take_over(at, room, holder);
    };
    registry_.refresh(now, guard_.on(judge));
}

// Asked again later.
void OwnRooms::doubt(Timestamp now, const std::string& room) {
    unsure_.insert(room);
    wake(now + kRetry);
}

void OwnRooms::take_over(Timestamp now, const std::string& room, const std::string& holder) {
    const std::vector<std::string_view> words = {"EVAL",         kClaimScript, "2",    kRoomsKey,
                                                 kRecentKey,     room,         holder, "3000",
                                                 registry_.id(), "0"};
    redis_.ask(now, words, [this, room](Timestamp at, const Value* reply) {
        if (!rooms_.contains(room)) return;
        if (reply == nullptr || reply->items.empty()) return doubt(at, room);
        const std::string& now_with = reply->items[0].text;
        if (now_with != registry_.id()) give_up(room, now_with);
    });
}

void OwnRooms::give_up(const std::string& room, const std::string& holder) {
    rooms_.erase(room);
    unsure_.erase(room);
    conflicts_.push_back({room, holder});
}

std::optional<RoomConflict> OwnRooms::poll_conflict() {
    if (conflicts_.empty()) return std::nullopt;
    RoomConflict conflict = std::move(conflicts_.front());
    conflicts_.pop_front();
    return conflict;
}

}  // namespace confab::cluster::nodes
