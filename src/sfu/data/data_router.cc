// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DataRouter: who is there and what they may, as control says.
#include "sfu/data/data_router.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace confab::sfu {

DataRouter::DataRouter(WorkerIndex self, std::size_t workers, DataPort& port)
    : self_(self), port_(port), links_(workers) {}

DataRoom* DataRouter::find_room(RoomId id) {
    const auto found = rooms_.find(id);
    return found == rooms_.end() ? nullptr : found->second.get();
}

DataRoomMember* DataRouter::find_member(RoomId room, MemberId member) {
    Room* in = find_room(room);
    if (in == nullptr) return nullptr;
    const auto found = in->members.find(member);
    return found == in->members.end() ? nullptr : found->second.get();
}

DataRoomMember* DataRouter::find_peer(PeerId peer) {
    const auto found = by_peer_.find(peer);
    return found == by_peer_.end() ? nullptr : found->second;
}

std::array<PeerId, 2> DataRouter::peers_of(RoomId room, MemberId member) {
    const Member* m = find_member(room, member);
    if (m == nullptr) return {};
    return {m->info.peer, m->info.other};
}

// ---------------------------------------------------------------- members

void DataRouter::apply(Timestamp now, DataMember& c) {
    auto& room = rooms_[c.room];
    if (!room) {
        room = std::make_unique<Room>();
        room->id = c.room;
        room->own = add_window(c.room, {});
    }
    auto& member = room->members[c.member];
    if (!member) {
        member = std::make_unique<Member>();
        member->room = room.get();
        member->window = add_window(c.room, c.member);
        room->list.push_back(member.get());
    } else {
        forget_peers(*member);
    }
    Member& m = *member;
    m.info = std::move(c);
    room->by_identity[m.info.identity] = &m;
    room->by_sid[m.info.sid] = &m;
    for (const PeerId peer : {m.info.peer, m.info.other})
        if (peer != PeerId()) by_peer_[peer] = &m;
    note_state(now, m);
    look_at_held_back_ = true;
}

void DataRouter::forget_peers(const Member& m) {
    for (const PeerId peer : {m.info.peer, m.info.other}) {
        const auto found = by_peer_.find(peer);
        if (found != by_peer_.end() && found->second == &m) by_peer_.erase(found);
    }
}

void DataRouter::apply(Timestamp, const DataMemberGone& c) {
    Room* room = find_room(c.room);
    Member* m = find_member(c.room, c.member);
    if (m == nullptr) return;
    remove(*room, *m);
    if (!room->members.empty()) return;
    abandon(room->own);
    for (const auto& [sender, window] : room->remote)
        abandon(window);
    CONFAB_DCHECK(room->by_identity.empty() && room->by_sid.empty() && room->flows.empty());
    rooms_.erase(c.room);
}

// What it sent stays in the backlogs of the others, here and on their workers.
void DataRouter::remove(Room& room, Member& m) {
    drop_backlog(m);
    forget_peers(m);
    const auto unname = [&](auto& index, const std::string& name) {
        const auto found = index.find(name);
        if (found != index.end() && found->second == &m) index.erase(found);
    };
    unname(room.by_identity, m.info.identity);
    unname(room.by_sid, m.info.sid);
    for (auto& [track, flows] : room.flows)
        std::erase_if(flows, [&](const Room::Flow& flow) { return flow.to == &m; });
    std::erase_if(room.flows, [](const auto& entry) { return entry.second.empty(); });
    std::erase(progress_, &m);
    std::erase(room.list, &m);
    leave_behind(room, m.window);
    for (const WorkerIndex worker : room.others)
        links_[worker].add_left(room.id, m.info.member);
    room.members.erase(m.info.member);
    CONFAB_DCHECK(room.members.size() == room.list.size());
    look_at_held_back_ = true;
}

void DataRouter::apply(Timestamp, const DataWorkers& c) {
    Room* room = find_room(c.room);
    if (room == nullptr) return;
    room->others.clear();
    for (const WorkerIndex worker : c.workers)
        if (worker != self_ && worker < links_.size()) room->others.push_back(worker);
    // Who is no longer there takes nothing any more.
    for (Member* m : room->list)
        std::erase_if(windows_.find(m->window)->abroad, [&](const DataWindow::Abroad& one) {
            return std::find(room->others.begin(), room->others.end(), one.worker) ==
                   room->others.end();
        });
    look_at_held_back_ = true;
}

// ---------------------------------------------------------------- connections

void DataRouter::connected(Timestamp now, PeerId peer) {
    if (Member* m = find_peer(peer)) note_state(now, *m);
}

void DataRouter::channel_opened(Timestamp now, PeerId peer) {
    if (Member* m = find_peer(peer)) note_state(now, *m);
}

void DataRouter::closed(PeerId peer) {
    std::erase(held_back_, peer);
    Member* m = find_peer(peer);
    if (m == nullptr) return;
    if (m->info.peer == peer) drop_backlog(*m);
    by_peer_.erase(peer);
}

// It counts as active with its first connection, and may have reliable data with its channels
// (01 SIG-137, 02 DC-09); what it missed before comes then.
void DataRouter::note_state(Timestamp now, Member& m) {
    const PeerId peer = m.info.peer;
    if (peer == PeerId()) return;
    if (port_.is_connected(peer)) m.active = true;
    if (!m.active || m.ready) return;
    m.ready = !m.info.expects_channels || (port_.has_channel(peer, DataChannel::kReliable) &&
                                           port_.has_channel(peer, DataChannel::kLossy));
    if (m.ready) replay(now, m);
}

void DataRouter::replay(Timestamp now, Member& m) {
    Room& room = *m.room;
    const auto send = [&](const sctp::SharedBytes& payload) {
        PendingId pending;
        send_reliable(now, m, payload, room.own, pending);
    };
    for (const DataMemory::Cached* cached : room.memory.since(now, m.held.first_missed())) {
        const DataMessage& message = cached->message;
        const bool for_it =
            message.kind == DataKind::kMetrics
                ? m.info.hears_metrics
                : message.for_everybody() || message.names(m.info.identity, m.info.sid);
        if (for_it && message.sender != m.info.member) send(message.payload);
    }
    for (const sctp::SharedBytes& payload : m.held.take_unsequenced())
        send(payload);
    m.held.clear();
}

// ---------------------------------------------------------------- data tracks, the API

void DataRouter::apply(Timestamp, const AddDataTrack& c) {
    if (Member* m = find_member(c.room, c.publisher)) m->tracks[c.handle] = c.track;
}

void DataRouter::apply(Timestamp, const RemoveDataTrack& c) {
    if (Member* m = find_member(c.room, c.publisher)) m->tracks.erase(c.handle);
}

void DataRouter::apply(Timestamp, const FlowDataTrack& c) {
    Member* m = find_member(c.room, c.member);
    if (m == nullptr) return;
    auto& flows = m->room->flows[c.track];
    std::erase_if(flows, [&](const Room::Flow& flow) { return flow.to == m; });
    if (c.handle != 0) flows.push_back({m, c.handle});
    if (flows.empty()) m->room->flows.erase(c.track);
}

void DataRouter::apply(Timestamp now, SendData& c) {
    Room* room = find_room(c.room);
    if (room == nullptr) return;
    RoutedPacket packet;
    packet.payload = std::move(c.payload);
    packet.kind = DataKind::kUser;
    packet.destination_identities = std::move(c.identities);
    packet.destination_sids = std::move(c.sids);
    if (!room->memory.accept_nonce(c.nonce)) return;  // SIG-123
    (void)deliver(now, *room, DataMessage({}, {}, std::move(packet), c.lossy), room->own);
}

void DataRouter::apply(Timestamp now, CallMethod& c) {
    Member* m = find_member(c.room, c.member);
    if (m == nullptr) return;
    m->calls[c.request_id] = false;
    PendingId pending;
    send_reliable(now, *m, sctp::SharedBytes(std::move(c.payload)), m->room->own, pending);
}

void DataRouter::apply(Timestamp, const EndCall& c) {
    if (Member* m = find_member(c.room, c.member)) m->calls.erase(c.request_id);
}

// ---------------------------------------------------------------- time

// It holds nobody back from now on: what waits for it counts for the room.
void DataRouter::set_aside(Timestamp now, Member& m) {
    std::vector<sctp::SharedBytes> waiting;
    while (!m.backlog.empty()) {
        const PendingId id = m.backlog.pop();
        waiting.push_back(pending_.find(id)->payload);
        release(id);
    }
    for (const sctp::SharedBytes& payload : waiting) {
        PendingId pending;
        send_reliable(now, m, payload, m.room->own, pending);
    }
}

void DataRouter::handle_timeout(Timestamp now) {
    if (now >= tell_at_) {
        tell_at_ = Timestamp::never();
        for (Member* m : std::exchange(progress_, {})) {
            m->progress_untold = false;
            port_.emit(DataProgress{m->info.peer, m->last_sequence});
        }
    }
    if (now < tick_at_) return;
    tick_at_ = lagging_.empty() ? Timestamp::never() : now + kTick;
    for (Member* m : std::vector<Member*>(lagging_)) {
        made_room(now, m->info.peer);
        if (!m->lagging || now - m->lagging_since < kPatience) continue;
        if (m->taken < kMinTaken) {
            const bool was_slow = m->slow_until != Timestamp();
            m->slow_until = now + kPenalty;
            if (!was_slow) set_aside(now, *m);
        }
        m->lagging_since = now;
        m->taken = 0;
    }
}

}  // namespace confab::sfu
