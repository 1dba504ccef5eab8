// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rooms as a whole: compared, deleted, looked for.
#include <algorithm>

#include "cluster/store/keys.h"
#include "cluster/store/rooms/room_records.h"

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
    std::vector<RoomScripts::Room> rooms;
    rooms.reserve(names.size());
    for (const std::string& name : names)
        rooms.push_back(take_whole(now, name));
    on_the_way_ += bytes;
    const std::uint64_t number = waiters_.begin(names);
    scripts_.sync(now, node_, std::move(rooms),
                  [this, number, names, bytes](Timestamp at, const auto& synced) {
                      on_the_way_ -= bytes;
                      compared(at, names, synced);
                      waiters_.end(number, names);
                  });
}

// As it is; nothing of it waits any more.
RoomScripts::Room RoomRecords::take_whole(Timestamp now, const std::string& name) {
    Room& room = rooms_[name];
    RoomScripts::Room whole{name, room.record.bytes, room.internal, {}};
    for (auto& [identity, record] : room.participants) {
        whole.participants.emplace_back(identity, record.bytes);
        record.next = now + kPace;
    }
    room.record.next = now + kPace;
    room.record.changed = room.internal_changed = room.whole = false;
    room.changed.clear();
    room.gone.clear();
    room.asked = true;
    return whole;
}

void RoomRecords::compared(Timestamp now, const std::vector<std::string>& rooms,
                           const Result<std::vector<RoomScripts::Synced>, Failure>& synced) {
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        const auto it = rooms_.find(rooms[i]);
        if (it == rooms_.end()) continue;
        it->second.asked = false;
        if (!synced)
            failed(now, rooms[i], synced.error(), rooms.size() > 1);
        else
            found(now, rooms[i], (*synced)[i]);
    }
}

void RoomRecords::found(Timestamp now, const std::string& name, const RoomScripts::Synced& state) {
    Room& room = rooms_[name];
    room.retry = Duration::zero();
    room.alone = false;
    if (state.elsewhere && !room.closing) return displace(now, name, room, *state.elsewhere);
    room.displaced = false;
    if (!state.was_there && room.stored && !room.closing)
        commands_.notices().tell(now, {Notice::Kind::kLost, std::string(keys::kRooms), "",
                                       "Redis had lost rooms of this node, " + name +
                                           " among them; they are written again"});
    room.stored = !room.closing;
    reschedule(now, name, room);
}

void RoomRecords::displace(Timestamp now, const std::string& name, Room& room,
                           const std::string& node) {
    room.whole = true;
    waiters_.release(name);
    if (std::exchange(room.displaced, true) && room.displaced_by == node) return;
    room.displaced_by = node;
    unschedule(name, room);
    commands_.notices().tell(now, {Notice::Kind::kNotOurs, std::string(keys::kRoomNodeMap), name,
                                   "room " + name + " of this node is routed to " + node});
    if (displaced_) displaced_(now, name, node);
}

// ---------------------------------------------------------------- deleted

void RoomRecords::remove(Timestamp now, const std::string& name, Room& room) {
    room.asked = true;
    on_the_way_ += kCommandBytes;
    const std::uint64_t number = waiters_.begin({name});
    scripts_.remove(now, RoomScripts::Owner::kHere, name, node_,
                    [this, number, name](Timestamp at, const auto& result) {
                        on_the_way_ -= kCommandBytes;
                        removed(at, name, result);
                        waiters_.end(number, {name});
                    });
}

void RoomRecords::removed(Timestamp now, const std::string& name,
                          const Result<RoomScripts::Removed, Failure>& removed) {
    const auto it = rooms_.find(name);
    if (it == rooms_.end()) return;
    it->second.asked = false;
    if (!removed) return failed(now, name, removed.error(), false);
    it->second.retry = Duration::zero();
    if (!it->second.closing) return reschedule(now, name, it->second);  // made again meanwhile
    if (!removed->deleted && !removed->node.empty())
        commands_.notices().tell(
            now, {Notice::Kind::kNotOurs, std::string(keys::kRoomNodeMap), name,
                  "room " + name + " has ended here and is left to " + removed->node});
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
    std::vector<std::string_view> nodes = {"HMGET", keys::kRoomNodeMap};
    nodes.insert(nodes.end(), names.begin(), names.end());
    std::vector<std::string_view> records = nodes;
    records[1] = keys::kRooms;
    commands_.send_all(now, {nodes, records},
                       [this, names](Timestamp at, const std::vector<Answer>& answers) {
                           if (!failure_of(answers)) audited(at, names, *answers[0], *answers[1]);
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
