// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/data_receivers.h"

#include <utility>

#include "base/check.h"

namespace confab::sfu {

// ---------------------------------------------------------------- channels that open

// It counts as active with its first connection, and may have reliable data with its channels
// (01 SIG-137, 02 DC-09); what it missed before comes then.
void DataReceivers::note_state(Timestamp now, DataRoomMember& m) {
    const PeerId peer = m.info.peer;
    if (peer == PeerId()) return;
    if (port_.is_connected(peer)) m.active = true;
    bool& ready = m.receiver.ready;
    if (!m.active || ready) return;
    ready = !m.info.expects_channels || (port_.has_channel(peer, DataChannel::kReliable) &&
                                         port_.has_channel(peer, DataChannel::kLossy));
    if (ready) replay(now, m);
}

void DataReceivers::replay(Timestamp now, DataRoomMember& m) {
    DataRoom& room = *m.room;
    HeldData& held = m.receiver.held;
    const auto send = [&](const sctp::SharedBytes& payload) {
        PendingId pending;
        send_reliable(now, m, payload, room.own, pending);
    };
    for (const DataMemory::Cached* cached : room.memory.since(now, held.first_missed())) {
        const DataMessage& message = cached->message;
        const bool for_it =
            message.kind == DataKind::kMetrics
                ? m.info.hears_metrics
                : message.for_everybody() || message.names(m.info.identity, m.info.sid);
        if (for_it && message.sender != m.info.member) send(message.payload);
    }
    for (const sctp::SharedBytes& payload : held.take_unsequenced())
        send(payload);
    held.clear();
}

// ---------------------------------------------------------------- messages

void DataReceivers::give(Timestamp now, DataRoomMember& to, const DataMessage& message,
                         WindowId window, PendingId& pending) {
    HeldData& held = to.receiver.held;
    if (message.lossy) {
        if (to.active) send_lossy(now, to, DataChannel::kLossy, message.payload);
    } else if (to.active && to.receiver.ready) {
        send_reliable(now, to, message.payload, window, pending);
    } else if (message.sequence > 0) {
        if (!held.hold_sequenced(message.sender_sid, message.sequence)) ++dropped_;
    } else if (!held.hold(message.payload)) {
        ++dropped_;
    }
}

void DataReceivers::send_lossy(Timestamp now, const DataRoomMember& to, DataChannel channel,
                               const sctp::SharedBytes& payload) {
    if (port_.send(now, to.info.peer, channel, payload) != sctp::SendStatus::kOk) ++dropped_;
}

void DataReceivers::send_reliable(Timestamp now, DataRoomMember& to,
                                  const sctp::SharedBytes& payload, WindowId window,
                                  PendingId& pending) {
    DataReceiver& r = to.receiver;
    const PeerId peer = to.info.peer;
    if (r.backlog.empty() && port_.buffered(peer) < kMaxUnacknowledged) {
        const sctp::SendStatus status = port_.send(now, peer, DataChannel::kReliable, payload);
        if (status == sctp::SendStatus::kOk) return;
        if (status != sctp::SendStatus::kQueueFull) {
            ++dropped_;
            return;
        }
    }
    // Once slow, it is until nothing waits, so that nothing is overtaken.
    const bool slow = r.slow_until > now || (!r.backlog.empty() && r.slow_until != Timestamp());
    if (!slow) r.slow_until = Timestamp();
    const WindowId own = to.room->own;
    const WindowId account = slow ? own : window;
    if (account == own && windows_.at(own).waiting > kMaxOwnBytes) {
        ++dropped_;
        return;
    }
    PendingId alone;
    PendingId& shared = slow ? alone : pending;
    windows_.hold(shared, payload, account);
    r.backlog.add(account, shared);
    start_lagging(now, to);
}

// ---------------------------------------------------------------- receivers that lag

void DataReceivers::start_lagging(Timestamp now, DataRoomMember& m) {
    DataReceiver& r = m.receiver;
    if (std::exchange(r.lagging, true)) return;
    r.lagging_since = now;
    r.taken = 0;
    lagging_.push_back(&m);
    tick_at_ = earlier(tick_at_, now + kTick);
}

void DataReceivers::stop_lagging(DataRoomMember& m) {
    if (!std::exchange(m.receiver.lagging, false)) return;
    std::erase(lagging_, &m);
}

void DataReceivers::made_room(Timestamp now, DataRoomMember& m) {
    DataReceiver& r = m.receiver;
    const PeerId peer = m.info.peer;
    if (!r.lagging) return;
    while (!r.backlog.empty() && port_.buffered(peer) < kMaxUnacknowledged) {
        const PendingMessage& next = windows_.message(r.backlog.front());
        const sctp::SendStatus status = port_.send(now, peer, DataChannel::kReliable, next.payload);
        if (status == sctp::SendStatus::kQueueFull) return;
        if (status == sctp::SendStatus::kOk)
            r.taken += next.cost;
        else
            ++dropped_;
        windows_.release(r.backlog.pop());
    }
    if (r.backlog.empty()) stop_lagging(m);
    CONFAB_DCHECK(r.lagging == !r.backlog.empty());
}

void DataReceivers::drop_backlog(DataRoomMember& m) {
    for (DataBacklog& backlog = m.receiver.backlog; !backlog.empty(); ++dropped_)
        windows_.release(backlog.pop());
    stop_lagging(m);
}

void DataReceivers::leave_behind(DataRoom& room, WindowId window) {
    if (windows_.abandon(window)) return;
    for (DataRoomMember* to : room.list) {
        for (const PendingId message : to->receiver.backlog.take(window)) {
            ++dropped_;
            windows_.release(message);
        }
        if (to->receiver.backlog.empty()) stop_lagging(*to);
    }
}

// ---------------------------------------------------------------- time

std::vector<DataRoomMember*> DataReceivers::take_due(Timestamp now) {
    if (now < tick_at_) return {};
    tick_at_ = lagging_.empty() ? Timestamp::never() : now + kTick;
    return lagging_;
}

void DataReceivers::judge(Timestamp now, DataRoomMember& m) {
    DataReceiver& r = m.receiver;
    if (!r.lagging || now - r.lagging_since < kPatience) return;
    if (r.taken < kMinTaken) {
        const bool was_slow = r.slow_until != Timestamp();
        r.slow_until = now + kPenalty;
        if (!was_slow) set_aside(now, m);
    }
    r.lagging_since = now;
    r.taken = 0;
}

// It holds nobody back from now on: what waits for it counts for the room.
void DataReceivers::set_aside(Timestamp now, DataRoomMember& m) {
    DataBacklog& backlog = m.receiver.backlog;
    std::vector<sctp::SharedBytes> waiting;
    while (!backlog.empty()) {
        const PendingId id = backlog.pop();
        waiting.push_back(windows_.message(id).payload);
        windows_.release(id);
    }
    for (const sctp::SharedBytes& payload : waiting) {
        PendingId pending;
        send_reliable(now, m, payload, m.room->own, pending);
    }
}

}  // namespace confab::sfu
