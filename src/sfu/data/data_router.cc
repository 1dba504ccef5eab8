// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DataRouter: who is there and what they may, as control says.
#include "sfu/data/data_router.h"

#include <algorithm>
#include <utility>

namespace confab::sfu {

DataRouter::DataRouter(WorkerIndex self, std::size_t workers, DataPort& port,
                       const MetricsOptions& metrics, const DataLimits& limits)
    : self_(self),
      times_(metrics.times),
      reports_(metrics.report_interval),
      collector_(metrics.collector),
      port_(port),
      links_(workers),
      windows_(links_),
      moves_({self, rooms_, links_, windows_}),
      receivers_(port, windows_, limits) {}

// ---------------------------------------------------------------- members

void DataRouter::apply(Timestamp now, DataMember& c) {
    // The others heard that it left.
    if (c.hidden || c.elsewhere) collector_.forget(c.room, c.member);
    Member& m = rooms_.put(c);
    if (!m.room->own) m.room->own = windows_.add(m.room->id, {});
    if (!m.window) m.window = windows_.add(m.room->id, m.info.member);
    receivers_.note_state(now, m);
    windows_.note_opened();
}

void DataRouter::apply(Timestamp, const DataMemberGone& c) {
    Member* m = rooms_.find(c.room, c.member);
    if (m == nullptr) return;
    Room& room = *m->room;
    // It may go on in another room, where nothing is known of its numbers.
    if (m->progress_untold) port_.emit(DataProgress{m->info.peer, m->last_sequence});
    remove(room, *m);
    collector_.forget(c.room, c.member);
    if (!room.members.empty()) return;
    (void)windows_.abandon(room.own);
    room.remote.abandon_all(windows_);
    reports_.forget(c.room);
    collector_.stop(c.room);
    rooms_.erase(c.room);
}

// What it sent stays in the backlogs of the others, here and on their workers.
void DataRouter::remove(Room& room, Member& m) {
    receivers_.drop_backlog(m);
    progress_.forget(m);
    const auto gone = rooms_.take(m);
    receivers_.leave_behind(room, gone->window);
    links_.add_left(room.others, room.id, gone->info.member);
    windows_.note_opened();
}

void DataRouter::apply(Timestamp now, const DataWorkers& c) {
    Room* room = rooms_.find(c.room);
    if (room == nullptr) return;
    if (c.metrics_heard)
        collector_.start(now, c.room);
    else
        collector_.stop(c.room);
    room->others.clear();
    for (const WorkerIndex worker : c.workers)
        if (worker != self_ && worker < links_.workers()) room->others.push_back(worker);
    for (const Member* m : room->list)
        windows_.at(m->window).keep_only(room->others);
    moves_.answer_fences(*room);
    windows_.note_opened();
}

// ---------------------------------------------------------------- connections

std::array<PeerId, 2> DataRouter::peers_of(RoomId room, MemberId member) {
    const Member* m = rooms_.find(room, member);
    if (m == nullptr) return {};
    return {m->info.peer, m->info.other};
}

void DataRouter::connected(Timestamp now, PeerId peer) {
    if (Member* m = rooms_.find(peer)) receivers_.note_state(now, *m);
}

void DataRouter::channel_opened(Timestamp now, PeerId peer) {
    if (Member* m = rooms_.find(peer)) receivers_.note_state(now, *m);
}

void DataRouter::closed(PeerId peer) {
    windows_.forget(peer);
    Member* m = rooms_.find(peer);
    if (m == nullptr) return;
    if (m->info.peer == peer) receivers_.closed(*m);
    rooms_.forget(peer);
}

void DataRouter::made_room(Timestamp now, PeerId peer) {
    Member* m = rooms_.find(peer);
    if (m != nullptr && m->info.peer == peer) receivers_.made_room(now, *m);
}

bool DataRouter::may_send(PeerId peer, bool may_be_lost) {
    const Member* m = rooms_.find(peer);
    if (m == nullptr) return true;
    const auto open = [&](const Member* at) {
        if (at->leaving || may_be_lost) return !at->leaving;
        return !windows_.at(at->window).full() && links_.have_room(at->room->others);
    };
    if (open(m) && std::all_of(m->copies.begin(), m->copies.end(), open)) return true;
    windows_.hold_back(peer);
    return false;
}

void DataRouter::resume_senders() {
    for (const PeerId peer : windows_.take_held_back())
        if (may_send(peer)) port_.resume(peer);
}

// ---------------------------------------------------------------- data tracks, the API

void DataRouter::apply(Timestamp, const AddDataTrack& c) {
    if (Member* m = rooms_.find(c.room, c.publisher)) m->tracks[c.handle] = {c.track, {}};
}

void DataRouter::apply(Timestamp, const RemoveDataTrack& c) {
    if (Member* m = rooms_.find(c.room, c.publisher)) m->tracks.erase(c.handle);
}

void DataRouter::apply(Timestamp, const FlowDataTrack& c) {
    if (Member* m = rooms_.find(c.room, c.member))
        rooms_.set_flow(*m, c.track, c.handle, c.frames_per_second);
}

void DataRouter::apply(Timestamp now, SendData& c) {
    Room* room = rooms_.find(c.room);
    if (room == nullptr) return;
    RoutedPacket packet;
    packet.payload = std::move(c.payload);
    packet.kind = DataKind::kUser;
    packet.destination_identities = std::move(c.identities);
    packet.destination_sids = std::move(c.sids);
    if (!room->memory.accept_nonce(c.nonce)) return;  // SIG-123
    (void)deliver(now, *room, DataMessage({}, std::move(packet), c.lossy), room->own);
}

void DataRouter::apply(Timestamp now, CallMethod& c) {
    Member* m = rooms_.find(c.room, c.member);
    if (m == nullptr) return;
    m->calls.begin(c.request_id);
    PendingId pending;
    const sctp::SharedBytes payload(std::move(c.payload));
    receivers_.send_reliable(now, *m, {payload, MemberId(), m->room->own}, pending);
}

void DataRouter::apply(Timestamp, const EndCall& c) {
    if (Member* m = rooms_.find(c.room, c.member)) m->calls.end(c.request_id);
}

// ---------------------------------------------------------------- time

void DataRouter::handle_timeout(Timestamp now) {
    report_metrics(now);
    for (const Member* m : progress_.take_due(now))
        port_.emit(DataProgress{m->info.peer, m->last_sequence});
    for (Member* m : receivers_.take_due(now)) {
        made_room(now, m->info.peer);
        receivers_.judge(now, *m);
    }
}

}  // namespace confab::sfu
