// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DataRouter: receivers that lag, senders that are held back, and the way to other workers, which
// holds back too.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "sfu/data/data_router.h"

namespace confab::sfu {

// ---------------------------------------------------------------- receivers

void DataRouter::start_lagging(Timestamp now, Member& m) {
    if (std::exchange(m.lagging, true)) return;
    m.lagging_since = now;
    m.taken = 0;
    lagging_.push_back(&m);
    tick_at_ = earlier(tick_at_, now + kTick);
}

void DataRouter::stop_lagging(Member& m) {
    if (!std::exchange(m.lagging, false)) return;
    std::erase(lagging_, &m);
}

void DataRouter::made_room(Timestamp now, PeerId peer) {
    Member* m = find_peer(peer);
    if (m == nullptr || !m->lagging || m->info.peer != peer) return;
    while (!m->backlog.empty() && port_.buffered(peer) < kMaxUnacknowledged) {
        const PendingMessage& next = *pending_.find(m->backlog.front());
        const sctp::SendStatus status = port_.send(now, peer, DataChannel::kReliable, next.payload);
        if (status == sctp::SendStatus::kQueueFull) return;
        if (status == sctp::SendStatus::kOk)
            m->taken += next.cost;
        else
            ++dropped_;
        release(m->backlog.pop());
    }
    if (m->backlog.empty()) stop_lagging(*m);
    CONFAB_DCHECK(m->lagging == !m->backlog.empty());
}

void DataRouter::drop_backlog(Member& m) {
    for (; !m.backlog.empty(); ++dropped_)
        release(m.backlog.pop());
    stop_lagging(m);
}

// ---------------------------------------------------------------- senders

bool DataRouter::may_send(PeerId peer) {
    const Member* m = find_peer(peer);
    if (m == nullptr || (!windows_.find(m->window)->full() && link_has_room(*m->room))) return true;
    if (std::find(held_back_.begin(), held_back_.end(), peer) == held_back_.end())
        held_back_.push_back(peer);
    return false;
}

void DataRouter::resume_senders() {
    if (!std::exchange(look_at_held_back_, false)) return;
    for (const PeerId peer : std::exchange(held_back_, {}))
        if (may_send(peer)) port_.resume(peer);
}

// The last receiver has it: its sender's window opens by as much.
void DataRouter::release(PendingId id) {
    PendingMessage& message = *pending_.find(id);
    CONFAB_DCHECK(message.receivers > 0);
    if (--message.receivers > 0) return;
    const WindowId of = message.window;
    DataWindow& window = *windows_.find(of);
    // Else its sender were held back for ever, or too early let go.
    (void)CONFAB_BUG_IF(window.waiting < message.cost, "data_window");
    window.waiting -= std::min(window.waiting, message.cost);
    note_taken(window, message.cost);
    if (Room* room = window.abandoned ? find_room(window.room) : nullptr)
        room->left_bytes -= std::min(room->left_bytes, message.cost);
    pending_.erase(id);
    if (window.abandoned && window.waiting == 0) windows_.erase(of);
    look_at_held_back_ = true;
}

WindowId DataRouter::add_window(RoomId room, MemberId sender) {
    const WindowId id = windows_.emplace();
    DataWindow& window = *windows_.find(id);
    window.room = room;
    window.sender = sender;
    return id;
}

void DataRouter::abandon(WindowId id) {
    DataWindow& window = *windows_.find(id);
    window.abandoned = true;
    if (window.waiting == 0) windows_.erase(id);
}

// Its sender went. Each holds a window at most, and many may come and go.
void DataRouter::leave_behind(Room& room, WindowId id) {
    const std::size_t waiting = windows_.find(id)->waiting;
    abandon(id);
    room.left_bytes += waiting;
    if (room.left_bytes <= kMaxLeftBytes) return;
    for (Member* to : room.list) {
        for (const PendingId message : to->backlog.take(id)) {
            ++dropped_;
            release(message);
        }
        if (to->backlog.empty()) stop_lagging(*to);
    }
}

// ---------------------------------------------------------------- other workers

void DataRouter::note_taken(DataWindow& window, std::size_t bytes) {
    if (!window.home) return;
    window.untold += bytes;
    // What is not told makes the window there smaller by a quarter at most.
    if (window.untold >= DataWindow::kMaxBytes / 4) tell_taken(window);
}

void DataRouter::tell_taken(DataWindow& window) {
    if (window.untold == 0) return;
    CONFAB_CHECK(window.home.has_value() && *window.home < links_.size());
    links_[*window.home].add_taken(window.room, window.sender, std::exchange(window.untold, 0));
}

bool DataRouter::link_has_room(const Room& room) const {
    return std::all_of(room.others.begin(), room.others.end(), [&](WorkerIndex worker) {
        return links_[worker].waiting() < kMaxLinkBytes;
    });
}

void DataRouter::link(Room& room, Member& from, const DataMessage& message) {
    for (const WorkerIndex worker : room.others) {
        LinkStream& to = links_[worker];
        if (!message.lossy) {
            windows_.find(from.window)->at(worker) += message.cost();
        } else if (to.waiting() >= kMaxLinkLossy) {
            ++dropped_;
            continue;
        }
        to.add(room.id, message);
    }
}

bool DataRouter::flush_links() {
    bool more = false;
    for (std::size_t i = 0; i < links_.size(); ++i) {
        if (links_[i].waiting() == 0) continue;
        const auto worker = static_cast<WorkerIndex>(i);
        more |= links_[i].flush([&](BytesView piece) { return port_.push_link(worker, piece); });
        look_at_held_back_ = true;
    }
    return more;
}

void DataRouter::handle_link(Timestamp now, WorkerIndex from, BytesView piece) {
    if (from >= links_.size()) return;
    LinkStream& in = links_[from];
    in.receive(piece);
    while (const auto bytes = in.next_record())
        if (const auto record = parse_link_record(*bytes))
            std::visit([&](const auto& value) { handle_record(now, from, value); }, *record);
}

WindowId DataRouter::remote_window(Room& room, MemberId sender, WorkerIndex home) {
    if (room.remote.size() >= kMaxRemoteIdle && !room.remote.contains(sender))
        std::erase_if(room.remote, [&](const auto& entry) {
            DataWindow& idle = *windows_.find(entry.second);
            if (idle.waiting > 0) return false;
            tell_taken(idle);
            windows_.erase(entry.second);
            return true;
        });
    WindowId& window = room.remote[sender];
    if (!window) window = add_window(room.id, sender);
    windows_.find(window)->home = home;
    return window;
}

void DataRouter::handle_record(Timestamp now, WorkerIndex from, const LinkedMessage& record) {
    const DataMessage& message = record.message;
    Room* room = find_room(record.room);
    if (room == nullptr) {
        // Its last member here went meanwhile.
        if (!message.lossy) links_[from].add_taken(record.room, message.sender, message.cost());
        return;
    }
    const WindowId id = remote_window(*room, message.sender, from);
    DataWindow& window = *windows_.find(id);
    const std::size_t waiting = window.waiting;
    if (room->memory.accept_nonce(message.nonce)) (void)deliver(now, *room, message, id);
    if (!message.lossy && window.waiting == waiting) note_taken(window, message.cost());
}

void DataRouter::handle_record(Timestamp now, WorkerIndex, const LinkedFrame& record) {
    Room* room = find_room(record.room);
    if (room != nullptr) (void)deliver_frame(now, *room, record.track, record.frame);
}

void DataRouter::handle_record(Timestamp, WorkerIndex from, const LinkedTaken& record) {
    Member* m = find_member(record.room, record.sender);
    if (m == nullptr) return;
    std::size_t& bytes = windows_.find(m->window)->at(from);
    bytes -= std::min(bytes, record.bytes);
    look_at_held_back_ = true;
}

void DataRouter::handle_record(Timestamp, WorkerIndex, const LinkedLeft& record) {
    Room* room = find_room(record.room);
    if (room == nullptr) return;
    const auto remote = room->remote.find(record.sender);
    if (remote == room->remote.end()) return;
    leave_behind(*room, remote->second);
    room->remote.erase(remote);
}

}  // namespace confab::sfu
