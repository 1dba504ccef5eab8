// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/data_rooms.h"

#include <utility>

#include "base/check.h"

namespace confab::sfu {

DataRoom* DataRooms::find(RoomId id) {
    const auto found = rooms_.find(id);
    return found == rooms_.end() ? nullptr : found->second.get();
}

DataRoomMember* DataRooms::find(RoomId room, MemberId member) {
    DataRoom* in = find(room);
    if (in == nullptr) return nullptr;
    const auto found = in->members.find(member);
    return found == in->members.end() ? nullptr : found->second.get();
}

DataRoomMember* DataRooms::find(PeerId peer) {
    const auto found = by_peer_.find(peer);
    return found == by_peer_.end() ? nullptr : found->second;
}

DataRoomMember& DataRooms::put(DataMember& info) {
    auto& room = rooms_[info.room];
    if (!room) {
        room = std::make_unique<DataRoom>();
        room->id = info.room;
    }
    auto& member = room->members[info.member];
    if (!member) {
        member = std::make_unique<DataRoomMember>();
        member->room = room.get();
        room->list.push_back(member.get());
    } else {
        forget_peers(*member);
    }
    DataRoomMember& m = *member;
    m.info = std::move(info);
    room->by_identity[m.info.identity] = &m;
    room->by_sid[m.info.sid] = &m;
    for (const PeerId peer : {m.info.peer, m.info.other})
        if (peer != PeerId()) by_peer_[peer] = &m;
    join_original(m);
    return m;
}

// Control tells of the one before it tells of the other.
void DataRooms::join_original(DataRoomMember& copy) {
    if (!copy.info.elsewhere || copy.original != nullptr) return;
    DataRoomMember* original = find(copy.info.elsewhere->room, copy.info.elsewhere->member);
    if (original == nullptr || original->info.elsewhere) return;
    copy.original = original;
    original->copies.push_back(&copy);
}

void DataRooms::set_flow(DataRoomMember& to, DataTrackId track, std::uint16_t handle,
                         std::uint32_t frames_per_second) {
    auto& flows = to.room->flows[track];
    std::erase_if(flows, [&](const DataRoom::Flow& flow) { return flow.to == &to; });
    if (handle != 0) flows.push_back({&to, handle, FrameLimiter(frames_per_second)});
    if (flows.empty()) to.room->flows.erase(track);
}

void DataRooms::forget_peers(const DataRoomMember& m) {
    for (const PeerId peer : {m.info.peer, m.info.other}) {
        const auto found = by_peer_.find(peer);
        if (found != by_peer_.end() && found->second == &m) by_peer_.erase(found);
    }
}

std::unique_ptr<DataRoomMember> DataRooms::take(DataRoomMember& gone) {
    DataRoom& room = *gone.room;
    forget_peers(gone);
    if (gone.original != nullptr) std::erase(gone.original->copies, &gone);
    for (DataRoomMember* copy : gone.copies)
        copy->original = nullptr;
    const auto unname = [&](auto& index, const std::string& name) {
        const auto found = index.find(name);
        if (found != index.end() && found->second == &gone) index.erase(found);
    };
    unname(room.by_identity, gone.info.identity);
    unname(room.by_sid, gone.info.sid);
    for (auto& [track, flows] : room.flows)
        std::erase_if(flows, [&](const DataRoom::Flow& flow) { return flow.to == &gone; });
    std::erase_if(room.flows, [](const auto& entry) { return entry.second.empty(); });
    std::erase(room.list, &gone);
    auto node = room.members.extract(gone.info.member);
    CONFAB_DCHECK(room.members.size() == room.list.size());
    return std::move(node.mapped());
}

void DataRooms::erase(RoomId id) {
    const auto room = rooms_.find(id);
    if (room == rooms_.end()) return;
    CONFAB_DCHECK(room->second->members.empty() && room->second->flows.empty() &&
                  room->second->by_identity.empty() && room->second->by_sid.empty());
    rooms_.erase(room);
}

}  // namespace confab::sfu
