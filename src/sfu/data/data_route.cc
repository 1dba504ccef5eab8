// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DataRouter: one packet from its sender to its receivers (02 §6.2).
#include <utility>

#include "sfu/data/data_router.h"

namespace confab::sfu {
namespace {

// The header of a frame of a data track (02 §6.4):
//   version 3 · start 1 · final 1 · extensions 1 · reserved 2 | reserved 8 | handle 16 |
//   sequence 16 | frame 16 | timestamp 32
constexpr std::size_t kFrameHeader = 12;
constexpr std::size_t kHandleAt = 2;

}  // namespace

std::size_t DataRouter::drop(std::size_t count) {
    dropped_ += count;
    return 1;
}

std::size_t DataRouter::handle_message(Timestamp now, PeerId from, DataChannel channel,
                                       BytesView payload) {
    Member* m = find_peer(from);
    if (m == nullptr || !m->active || !m->info.may_publish) return drop();
    ++routed_;
    if (channel == DataChannel::kDataTrack) return route_frame(now, *m, payload);
    const DataSender sender{m->info.identity, m->info.sid, m->info.hidden, m->info.agent};
    const bool lossy = channel == DataChannel::kLossy;
    auto packet = channel == DataChannel::kOther
                      ? Result<RoutedPacket, DataError>(wrap_raw_data(payload, sender))
                      : rewrite_data_packet(payload, sender, lossy);
    if (!packet) return drop();
    if (packet->kind == DataKind::kTranscription && !sender.agent) return drop();
    if (!lossy && packet->sequence > 0 && !take_sequence(now, *m, packet->sequence)) return drop();
    if (take_answer(*m, *packet)) return 1;
    Room& room = *m->room;
    if (!room.memory.accept_nonce(packet->nonce)) return drop();
    const DataMessage message(m->info.member, m->info.sid, std::move(*packet), lossy);
    link(room, *m, message);
    return 1 + deliver(now, room, message, m->window);
}

// Each number once, upwards (SIG-121). Control hears of it a little later, for resumes: a client
// that is told an older one sends what came meanwhile again, and here it is known.
bool DataRouter::take_sequence(Timestamp now, Member& m, std::uint32_t sequence) {
    if (sequence <= m.last_sequence) return false;
    m.last_sequence = sequence;
    if (!std::exchange(m.progress_untold, true)) {
        progress_.push_back(&m);
        if (tell_at_.is_never()) tell_at_ = now + kProgressDelay;
    }
    return true;
}

// Of the API's calls: one acknowledgement and one response each go to control, and to nobody else.
bool DataRouter::take_answer(Member& m, RoutedPacket& packet) {
    const bool response = packet.kind == DataKind::kRpcResponse;
    if (m.calls.empty() || (!response && packet.kind != DataKind::kRpcAck)) return false;
    const auto call = m.calls.find(packet.request_id);
    if (call == m.calls.end()) return false;
    if (response)
        m.calls.erase(call);
    else if (std::exchange(call->second, true))
        return true;
    port_.emit(CallAnswered{m.info.peer, std::move(packet.payload)});
    return true;
}

// ---------------------------------------------------------------- to members here

std::size_t DataRouter::deliver(Timestamp now, Room& room, const DataMessage& message,
                                WindowId window) {
    if (!message.lossy && message.sequence > 0) room.memory.remember(now, message);
    PendingId pending;
    std::size_t count = 0;
    const auto one = [&](Member& to) {
        ++count;
        give(now, to, message, window, pending);
    };
    if (message.kind == DataKind::kMetrics) {
        // They come back to their sender, nothing else does (SIG-124).
        for (Member* to : room.list)
            if (to->info.hears_metrics) one(*to);
        return count;
    }
    if (message.for_everybody()) {
        for (Member* to : room.list)
            if (to->info.member != message.sender) one(*to);
        return count;
    }
    ++round_;
    const auto named = [&](const auto& index, const std::vector<std::string>& names) {
        for (const std::string& name : names) {
            const auto found = index.find(name);
            if (found == index.end() || found->second->info.member == message.sender) continue;
            if (std::exchange(found->second->addressed, round_) != round_) one(*found->second);
        }
    };
    named(room.by_identity, message.identities);
    named(room.by_sid, message.sids);
    return count;
}

void DataRouter::give(Timestamp now, Member& to, const DataMessage& message, WindowId window,
                      PendingId& pending) {
    if (message.lossy) {
        if (to.active) send_lossy(now, to, DataChannel::kLossy, message.payload);
    } else if (to.active && to.ready) {
        send_reliable(now, to, message.payload, window, pending);
    } else if (message.sequence > 0) {
        if (!to.held.hold_sequenced(message.sender_sid, message.sequence)) ++dropped_;
    } else if (!to.held.hold(message.payload)) {
        ++dropped_;
    }
}

void DataRouter::send_lossy(Timestamp now, const Member& to, DataChannel channel,
                            const sctp::SharedBytes& payload) {
    if (port_.send(now, to.info.peer, channel, payload) != sctp::SendStatus::kOk) ++dropped_;
}

void DataRouter::send_reliable(Timestamp now, Member& to, const sctp::SharedBytes& payload,
                               WindowId window, PendingId& pending) {
    const PeerId peer = to.info.peer;
    if (to.backlog.empty() && port_.buffered(peer) < kMaxUnacknowledged) {
        const sctp::SendStatus status = port_.send(now, peer, DataChannel::kReliable, payload);
        if (status == sctp::SendStatus::kOk) return;
        if (status != sctp::SendStatus::kQueueFull) {
            ++dropped_;
            return;
        }
    }
    // Once slow, it is until nothing waits, so that nothing is overtaken.
    const bool slow = to.slow_until > now || (!to.backlog.empty() && to.slow_until != Timestamp());
    if (!slow) to.slow_until = Timestamp();
    const WindowId account = slow ? to.room->own : window;
    DataWindow& of = *windows_.find(account);
    if (account == to.room->own && of.waiting > kMaxOwnBytes) {
        ++dropped_;
        return;
    }
    PendingId alone;
    PendingId& shared = slow ? alone : pending;
    if (!shared) {
        const std::size_t cost = payload.size() + DataMessage::kOverhead;
        shared = pending_.emplace(PendingMessage{payload, cost, account, 0});
        of.waiting += cost;
    }
    ++pending_.find(shared)->receivers;
    to.backlog.add(account, shared);
    start_lagging(now, to);
}

// ---------------------------------------------------------------- data tracks

std::size_t DataRouter::route_frame(Timestamp now, Member& m, BytesView frame) {
    if (frame.size() < kFrameHeader || frame.size() > kMaxDataPacketBytes) return drop();
    const auto track = m.tracks.find(load_be16(&frame[kHandleAt]));
    if (track == m.tracks.end()) return drop();
    for (const WorkerIndex worker : m.room->others) {
        LinkStream& to = links_[worker];
        if (to.waiting() < kMaxLinkLossy)
            to.add_frame(m.room->id, track->second, frame);
        else
            ++dropped_;
    }
    return 1 + deliver_frame(now, *m.room, track->second, frame);
}

// Only the two octets of the handle differ between subscribers (DT-01).
std::size_t DataRouter::deliver_frame(Timestamp now, Room& room, DataTrackId track,
                                      BytesView frame) {
    const auto found = room.flows.find(track);
    if (found == room.flows.end()) return 0;
    for (const Room::Flow& flow : found->second) {
        if (!flow.to->active) continue;
        Bytes copy = to_vector(frame);
        store_be16(&copy[kHandleAt], flow.handle);
        send_lossy(now, *flow.to, DataChannel::kDataTrack, sctp::SharedBytes(std::move(copy)));
    }
    return found->second.size();
}

}  // namespace confab::sfu
