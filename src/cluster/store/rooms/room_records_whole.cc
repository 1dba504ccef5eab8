// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rooms as a whole: compared, deleted, looked for.
#include <algorithm>
#include <memory>

#include "cluster/store/keys.h"
#include "cluster/store/rooms/room_records.h"
#include "cluster/store/scripts.h"

namespace confab::cluster::store {

using redis::Value;

// ---------------------------------------------------------------- compared and mended

void RoomRecords::compare(Timestamp now, Turn& turn, const std::string& name, Room& room) {
    const std::size_t bytes = size_of(room);
    if (room.alone || turn.compared.size() >= kBatchRooms ||
        turn.compared_bytes + bytes > kBatchBytes)
        send_compared(now, turn);
    turn.compared.push_back(name);
    turn.compared_bytes += bytes;
    if (room.alone) send_compared(now, turn);
}

void RoomRecords::send_compared(Timestamp now, Turn& turn) {
    const std::vector<std::string> names = std::exchange(turn.compared, {});
    const std::size_t bytes = std::exchange(turn.compared_bytes, 0) + kCommandBytes;
    if (names.empty()) return;
    std::vector<std::string> places = {std::string(keys::kRoomNodeMap), std::string(keys::kRooms),
                                       std::string(keys::kRoomInternal)};
    std::vector<std::string> arguments = {node_};
    for (const std::string& name : names) {
        Room& room = rooms_[name];
        places.push_back(keys::participants(name));
        arguments.insert(arguments.end(),
                         {name, room.record.bytes, room.internal ? "1" : "0",
                          room.internal.value_or(""), std::to_string(room.participants.size())});
        for (auto& [identity, record] : room.participants) {
            arguments.insert(arguments.end(), {identity, record.bytes});
            record.next = now + kPace;
        }
        room.record.next = now + kPace;
        room.record.changed = room.internal_changed = room.whole = false;
        room.changed.clear();
        room.gone.clear();
        room.asked = true;
    }
    on_the_way_ += bytes;
    commands_.eval(now, scripts::kSyncRooms, places, arguments,
                   [this, names, bytes](Timestamp at, Answer answer) {
                       on_the_way_ -= bytes;
                       compared(at, names, std::move(answer));
                   });
}

void RoomRecords::compared(Timestamp now, const std::vector<std::string>& rooms, Answer answer) {
    if (answer && answer->items.size() != rooms.size())
        answer = fail(Failure{Failure::Code::kUnavailable, "an unexpected reply"});
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        const auto it = rooms_.find(rooms[i]);
        if (it == rooms_.end()) continue;
        it->second.asked = false;
        if (!answer)
            failed(now, rooms[i], answer.error(), rooms.size() > 1);
        else
            found(now, rooms[i], answer->items[i]);
    }
}

void RoomRecords::found(Timestamp now, const std::string& name, const Value& state) {
    Room& room = rooms_[name];
    room.retry = Duration::zero();
    room.alone = false;
    if (state.kind == Value::Kind::kText && !room.closing)
        return displace(now, name, room, state.text);
    room.displaced = false;
    if (state.integer == 1 && room.stored && !room.closing)
        commands_.notices().tell(now, {Notice::Kind::kLost, std::string(keys::kRooms), "",
                                       "Redis had lost rooms of this node, " + name +
                                           " among them; they are written again"});
    room.stored = !room.closing;
    reschedule(now, name, room);
}

void RoomRecords::displace(Timestamp now, const std::string& name, Room& room,
                           const std::string& node) {
    room.whole = true;
    if (std::exchange(room.displaced, true)) return;
    unschedule(name, room);
    commands_.notices().tell(now, {Notice::Kind::kNotOurs, std::string(keys::kRoomNodeMap), name,
                                   "room " + name + " of this node is routed to " + node});
    if (displaced_) displaced_(now, name, node);
}

// ---------------------------------------------------------------- deleted

void RoomRecords::remove(Timestamp now, const std::string& name, Room& room) {
    room.asked = true;
    on_the_way_ += kCommandBytes;
    commands_.eval(now, scripts::kDeleteRoom, keys::of_room(name), {name, node_},
                   [this, name](Timestamp at, const Answer& answer) {
                       on_the_way_ -= kCommandBytes;
                       removed(at, name, answer);
                   });
}

void RoomRecords::removed(Timestamp now, const std::string& name, const Answer& answer) {
    const auto it = rooms_.find(name);
    if (it == rooms_.end()) return;
    it->second.asked = false;
    if (!answer) return failed(now, name, answer.error(), false);
    it->second.retry = Duration::zero();
    if (!it->second.closing) return reschedule(now, name, it->second);  // made again meanwhile
    if (answer->items.size() == 2 && answer->items[0].integer == 0)
        commands_.notices().tell(
            now, {Notice::Kind::kNotOurs, std::string(keys::kRoomNodeMap), name,
                  "room " + name + " has ended here and is left to " + answer->items[1].text});
    forget(it);
}

// ---------------------------------------------------------------- looked for

void RoomRecords::look_again(Timestamp now) {
    second_look_ = Timestamp::never();
    for (auto& [name, room] : rooms_) {
        room.whole = !room.closing;
        reschedule(now, name, room);
    }
}

void RoomRecords::audit(Timestamp now) {
    std::vector<std::string> names;
    auto it = rooms_.upper_bound(audited_);
    for (; it != rooms_.end() && names.size() < kAuditRooms; ++it)
        if (!it->second.asked && !it->second.closing) names.push_back(it->first);
    audited_ = it == rooms_.end() ? "" : names.back();
    const auto share = static_cast<std::int64_t>(rooms_.size() / kAuditRooms + 1);
    audit_due_ = now + std::max(kAudit / share, Duration::seconds(1));
    if (names.empty()) return;
    std::vector<std::string_view> words = {"HMGET", keys::kRoomNodeMap};
    words.insert(words.end(), names.begin(), names.end());
    auto nodes = std::make_shared<Value>();
    commands_.send(now, words, [nodes](Timestamp, Answer answer) {
        if (answer) *nodes = std::move(*answer);
    });
    words[1] = keys::kRooms;
    commands_.send(now, words, [this, names, nodes](Timestamp at, const Answer& answer) {
        if (answer) audited(at, names, *nodes, *answer);
    });
}

void RoomRecords::audited(Timestamp now, const std::vector<std::string>& names, const Value& nodes,
                          const Value& records) {
    if (nodes.items.size() != names.size() || records.items.size() != names.size()) return;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto it = rooms_.find(names[i]);
        if (it == rooms_.end() || it->second.closing || it->second.asked) continue;
        Room& room = it->second;
        const bool routed = nodes.items[i].kind == Value::Kind::kText;
        if (routed && nodes.items[i].text != node_) {
            displace(now, names[i], room, nodes.items[i].text);
        } else if (room.displaced || !routed || records.items[i].kind != Value::Kind::kText) {
            room.displaced = false;
            room.whole = true;
            reschedule(now, names[i], room);
        }
    }
}

}  // namespace confab::cluster::store
