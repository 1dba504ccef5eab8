// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/pressure/data_receivers.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace confab::sfu {
namespace {

// At the worker that it came from.
bool had(const DataRoomMember& m, const DataMessage& message) {
    const DataSequences& known = m.receiver.had;
    if (known.empty() || message.lossy || message.sequence == 0) return false;
    const auto found = known.find(message.sender_sid);
    return found != known.end() && message.sequence <= found->second;
}

std::size_t octets_in(std::uint64_t bits_per_second, Duration time) {
    return bits_per_second * static_cast<std::uint64_t>(time.ms()) / 8000;
}

Duration latency_of(const DataLimits& limits, DataChannel channel) {
    return channel == DataChannel::kDataTrack ? limits.data_track_latency : limits.lossy_latency;
}

bool measures(const DataLimits& limits, DataChannel channel) {
    if (channel == DataChannel::kReliable) return limits.slow_threshold > 0;
    return latency_of(limits, channel) > Duration();
}

}  // namespace

// ---------------------------------------------------------------- channels that open

// It counts as active with its first connection, and may have reliable data with the channel for
// that (01 SIG-137, 02 DC-09); what it missed before comes then. A client need not open another.
void DataReceivers::note_state(Timestamp now, DataRoomMember& m) {
    const PeerId peer = m.info.peer;
    if (peer == PeerId()) return;
    if (port_.is_connected(peer)) m.active = true;
    bool& ready = m.receiver.ready;
    if (!m.active || ready) return;
    ready = !m.info.expects_channels || port_.has_channel(peer, DataChannel::kReliable);
    if (ready) replay(now, m);
}

void DataReceivers::replay(Timestamp now, DataRoomMember& m) {
    DataRoom& room = *m.room;
    HeldData& held = m.receiver.held;
    const auto send = [&](const sctp::SharedBytes& payload, MemberId sender) {
        PendingId pending;
        send_reliable(now, m, {payload, sender, room.own}, pending);
    };
    for (const DataMemory::Cached* cached : room.memory.since(now, held.first_missed())) {
        const DataMessage& message = cached->message;
        const bool for_it =
            message.kind == DataKind::kMetrics
                ? m.info.hears_metrics
                : message.for_everybody() || message.names(m.info.identity, m.info.sid);
        if (for_it && !message.is_of(m.info) && !had(m, message))
            send(message.payload, message.sender);
    }
    for (const HeldData::Unsequenced& one : held.take_unsequenced(m.receiver.moved))
        send(one.payload, one.sender);
    held.clear();
}

// ---------------------------------------------------------------- messages

void DataReceivers::give(Timestamp now, DataRoomMember& to, const DataMessage& message,
                         WindowId window, PendingId& pending) {
    HeldData& held = to.receiver.held;
    if (had(to, message)) return;
    if (message.lossy) {
        // While it leaves it gets none: they can not be told from those that it gets there.
        if (to.active && !to.leaving) send_lossy(now, to, DataChannel::kLossy, message.payload);
    } else if (to.active && to.receiver.ready) {
        send_reliable(now, to, {message.payload, message.sender, window}, pending);
    } else if (message.sequence > 0) {
        if (!held.hold_sequenced(message.sender_sid, message.sequence)) ++dropped_;
    } else if (!held.hold(message.payload, now, message.sender)) {
        ++dropped_;
    }
}

// What waits too long is of no use when it comes.
void DataReceivers::send_lossy(Timestamp now, DataRoomMember& to, DataChannel channel,
                               const sctp::SharedBytes& payload) {
    if (overfull(to, channel)) {
        ++dropped_;
        return;
    }
    if (const Duration latency = latency_of(limits_, channel); latency > Duration()) {
        const std::size_t waiting = measure(now, to, channel);
        const auto rate = to.receiver.rates.of(channel).bits_per_second();
        // As much as it takes in a round trip is under way, and does not wait.
        const Duration time = latency + port_.least_round_trip(to.info.peer);
        if (rate && waiting > kAlwaysBuffered && waiting > octets_in(*rate, time)) {
            ++dropped_;
            return;
        }
    }
    if (send(now, to, channel, payload) != sctp::SendStatus::kOk) ++dropped_;
}

void DataReceivers::send_reliable(Timestamp now, DataRoomMember& to, const Reliable& message,
                                  PendingId& pending) {
    const sctp::SharedBytes& payload = message.payload;
    if (limited()) {
        if (overfull(to, DataChannel::kReliable) ||
            send(now, to, DataChannel::kReliable, payload) != sctp::SendStatus::kOk)
            ++dropped_;
        return;
    }
    if (to.receiver.backlog.empty() && takes_more(now, to)) {
        const sctp::SendStatus status = send(now, to, DataChannel::kReliable, payload);
        if (status == sctp::SendStatus::kOk) return;
        if (status != sctp::SendStatus::kQueueFull) {
            ++dropped_;
            return;
        }
    }
    if (too_slow(now, to)) {
        drop_backlog(to);  // nor does anybody wait for what came before
        ++dropped_;
        return;
    }
    if (!keep(now, to, message, pending)) ++dropped_;
}

// Until it takes more; false when too much waits already.
bool DataReceivers::keep(Timestamp now, DataRoomMember& to, const Reliable& message,
                         PendingId& pending) {
    DataReceiver& r = to.receiver;
    // Once slow, it is until nothing waits, so that nothing is overtaken.
    const bool slow = r.slow_until > now || (!r.backlog.empty() && r.slow_until != Timestamp());
    if (!slow) r.slow_until = Timestamp();
    const WindowId own = to.room->own;
    const WindowId account = slow ? own : message.window;
    if (account == own && windows_.at(own).waiting > kMaxOwnBytes) return false;
    PendingId alone;
    PendingId& shared = slow ? alone : pending;
    windows_.hold(shared, message.payload, account);
    r.backlog.add(message.sender, shared);
    start_lagging(now, to);
    return true;
}

// ---------------------------------------------------------------- what a receiver takes

bool DataReceivers::overfull(const DataRoomMember& m, DataChannel channel) const {
    return limited() && port_.buffered(m.info.peer, channel) > limits_.max_buffered;
}

std::size_t DataReceivers::measure(Timestamp now, DataRoomMember& m, DataChannel channel) {
    const std::size_t unacknowledged = port_.buffered(m.info.peer, channel);
    if (measures(limits_, channel))
        m.receiver.rates.of(channel).note(now, unacknowledged, port_.least_round_trip(m.info.peer));
    return unacknowledged;
}

sctp::SendStatus DataReceivers::send(Timestamp now, DataRoomMember& to, DataChannel channel,
                                     const sctp::SharedBytes& payload) {
    const sctp::SendStatus status = port_.send(now, to.info.peer, channel, payload);
    if (status == sctp::SendStatus::kOk && measures(limits_, channel))
        to.receiver.rates.of(channel).add_sent(payload.size());
    return status;
}

bool DataReceivers::takes_more(Timestamp now, DataRoomMember& m) {
    const std::size_t unacknowledged = measure(now, m, DataChannel::kReliable);
    if (limits_.slow_threshold == 0) return unacknowledged < kMaxUnacknowledged;
    const auto rate = m.receiver.rates.of(DataChannel::kReliable).bits_per_second();
    return unacknowledged < std::clamp(octets_in(rate.value_or(0), Duration::seconds(1)),
                                       kMinUnacknowledged, kMaxUnacknowledged);
}

// What it took says how fast it is when something waited for it all the time: of one that was sent
// little so far, and much now, nothing is known. Once slow, it is until it takes more, or has taken
// all that there was for as long.
bool DataReceivers::too_slow(Timestamp now, DataRoomMember& m) {
    constexpr Duration kWindow = DrainRate::kSlot * std::int64_t{DrainRate::kSlots};
    if (limits_.slow_threshold == 0) return false;
    DataReceiver& r = m.receiver;
    (void)measure(now, m, DataChannel::kReliable);
    const auto rate = r.rates.of(DataChannel::kReliable).bits_per_second();
    const bool below = rate && *rate < limits_.slow_threshold;
    const bool lags = r.lagging && now - r.lagging_since >= kWindow;
    r.slow_until = below && (lags || r.slow_until > now) ? now + kWindow : Timestamp();
    return r.slow_until != Timestamp();
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
    if (!r.lagging) return;
    while (!r.backlog.empty() && takes_more(now, m)) {
        const PendingMessage& next = windows_.message(r.backlog.front());
        const sctp::SendStatus status = send(now, m, DataChannel::kReliable, next.payload);
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

void DataReceivers::closed(DataRoomMember& m) {
    drop_backlog(m);
    m.receiver.rates = {};
}

void DataReceivers::leave_behind(DataRoom& room, WindowId window) {
    const MemberId sender = windows_.at(window).sender;
    if (windows_.abandon(window)) return;
    const auto is_gone = [&](PendingId id) { return windows_.message(id).window == window; };
    for (DataRoomMember* to : room.list) {
        for (const PendingId message : to->receiver.backlog.take(sender, is_gone)) {
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
    if (r.lagging && too_slow(now, m)) return drop_backlog(m);
    if (limits_.slow_threshold > 0 || !r.lagging || now - r.lagging_since < kPatience) return;
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
    std::vector<std::pair<MemberId, sctp::SharedBytes>> waiting;
    while (!backlog.empty()) {
        const MemberId sender = backlog.sender();
        const PendingId id = backlog.pop();
        waiting.emplace_back(sender, windows_.message(id).payload);
        windows_.release(id);
    }
    for (const auto& [sender, payload] : waiting) {
        PendingId pending;
        send_reliable(now, m, {payload, sender, m.room->own}, pending);
    }
}

}  // namespace confab::sfu
