// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DataRouter: one packet from its sender to its receivers, here and on other workers (02 §6.2).
#include <algorithm>
#include <utility>
#include <variant>

#include "sfu/data/data_router.h"

namespace confab::sfu {
namespace {

// The header of a frame of a data track (02 §6.4):
//   version 3 · start 1 · final 1 · extensions 1 · reserved 2 | reserved 8 | handle 16 |
//   sequence 16 | frame 16 | timestamp 32
constexpr std::size_t kFrameHeader = 12;
constexpr std::uint8_t kFinalBit = 0x08;
constexpr std::size_t kHandleAt = 2;
constexpr std::size_t kSequenceAt = 4;
constexpr std::size_t kFrameAt = 6;

// As the room of the member is to see it.
Result<RoutedPacket, DataError> packet_from(const DataMember& from, DataChannel channel,
                                            BytesView payload) {
    const DataSender sender{from.identity, from.sid, from.hidden, from.agent};
    if (channel == DataChannel::kOther) return wrap_raw_data(payload, sender);
    return rewrite_data_packet(payload, sender, channel == DataChannel::kLossy);
}

}  // namespace

std::size_t DataRouter::refuse() {
    ++refused_;
    return 1;
}

std::size_t DataRouter::handle_message(Timestamp now, PeerId from, DataChannel channel,
                                       BytesView payload) {
    Member* m = rooms_.find(from);
    if (m == nullptr || !m->active || !m->info.may_publish) return refuse();
    if (channel == DataChannel::kDataTrack) {
        std::size_t count = route_frame(now, *m, payload);
        for (Member* copy : m->copies)
            count += route_frame(now, *copy, payload);
        return count;
    }
    const bool lossy = channel == DataChannel::kLossy;
    auto packet = packet_from(m->info, channel, payload);
    if (!packet) return refuse();
    if (packet->kind == DataKind::kTranscription && !m->info.agent) return refuse();
    if (!lossy && packet->sequence > 0 && !progress_.take(now, *m, packet->sequence))
        return refuse();
    if (packet->kind == DataKind::kMetrics) return route_metrics(now, *m, *packet, lossy);
    const MethodCalls::Answer answer = m->calls.take(*packet);
    if (answer == MethodCalls::Answer::kFirst)
        port_.emit(CallAnswered{m->info.peer, std::move(packet->payload)});
    if (answer != MethodCalls::Answer::kNone) return 1;
    Room& room = *m->room;
    if (!room.memory.accept_nonce(packet->nonce)) return refuse();
    const DataMessage message(m->info, std::move(*packet), lossy);
    link(room, *m, message);
    std::size_t count = 1 + deliver(now, room, message, m->window);
    for (Member* copy : m->copies)
        count += repeat(now, *copy, channel, payload, message);
    return count;
}

// What it says to everybody is said where it is seen, too. What is for some is for those who have
// that name in its own room.
std::size_t DataRouter::repeat(Timestamp now, Member& copy, DataChannel channel, BytesView payload,
                               const DataMessage& said) {
    if (!said.for_everybody() || said.kind == DataKind::kMetrics) return 0;
    auto packet = packet_from(copy.info, channel, payload);
    if (!packet || !copy.room->memory.accept_nonce(packet->nonce)) return refuse();
    const DataMessage message(copy.info, std::move(*packet), said.lossy);
    link(*copy.room, copy, message);
    return 1 + deliver(now, *copy.room, message, copy.window);
}

// ---------------------------------------------------------------- to members here

std::size_t DataRouter::deliver(Timestamp now, Room& room, const DataMessage& message,
                                WindowId window) {
    if (message.kind == DataKind::kMetrics) return deliver_metrics(now, room, message, window);
    if (!message.lossy && message.sequence > 0) room.memory.remember(now, message);
    PendingId pending;
    std::size_t count = 0;
    const auto one = [&](Member& to) {
        if (to.info.elsewhere) return;
        ++count;
        receivers_.give(now, to, message, window, pending);
    };
    if (message.for_everybody()) {
        for (Member* to : room.list)
            if (!message.is_of(to->info)) one(*to);
        return count;
    }
    ++round_;
    const auto named = [&](const auto& index, const std::vector<std::string>& names) {
        for (const std::string& name : names) {
            const auto found = index.find(name);
            if (found == index.end() || message.is_of(found->second->info)) continue;
            if (std::exchange(found->second->addressed, round_) != round_) one(*found->second);
        }
    };
    named(room.by_identity, message.identities);
    named(room.by_sid, message.sids);
    return count;
}

// ---------------------------------------------------------------- data tracks

std::size_t DataRouter::route_frame(Timestamp now, Member& m, BytesView frame) {
    if (frame.size() < kFrameHeader || frame.size() > kMaxDataPacketBytes) return refuse();
    const auto found = m.tracks.find(load_be16(&frame[kHandleAt]));
    if (found == m.tracks.end()) return refuse();
    auto& [track, meter] = found->second;
    // In each room that it is seen in it is a track, and one where it is published.
    if (!m.info.elsewhere)
        meter.count(load_be16(&frame[kSequenceAt]), (frame[0] & kFinalBit) != 0, frame.size(),
                    track_figures_);
    links_.add_frame(m.room->others, m.room->id, track, frame);
    return 1 + deliver_frame(now, *m.room, track, frame);
}

// Only the two octets of the handle differ between subscribers (DT-01).
std::size_t DataRouter::deliver_frame(Timestamp now, Room& room, DataTrackId track,
                                      BytesView frame) {
    const auto found = room.flows.find(track);
    if (found == room.flows.end()) return 0;
    for (Room::Flow& flow : found->second) {
        if (!flow.to->active || flow.to->leaving ||
            !flow.frames.passes(now, load_be16(&frame[kFrameAt])))
            continue;
        Bytes copy = to_vector(frame);
        store_be16(&copy[kHandleAt], flow.handle);
        receivers_.send_lossy(now, *flow.to, DataChannel::kDataTrack,
                              sctp::SharedBytes(std::move(copy)));
    }
    return found->second.size();
}

// ---------------------------------------------------------------- other workers

void DataRouter::link(Room& room, Member& from, const DataMessage& message) {
    for (const WorkerIndex worker : room.others) {
        if (!message.lossy) windows_.at(from.window).at(worker) += message.cost();
        (void)links_.add(worker, room.id, message);
    }
}

bool DataRouter::flush_links() {
    const DataLinks::Flushed flushed =
        links_.flush([&](WorkerIndex to, BytesView piece) { return port_.push_link(to, piece); });
    if (flushed.any) windows_.note_opened();
    return flushed.more;
}

void DataRouter::handle_link(Timestamp now, WorkerIndex from, BytesView piece) {
    links_.receive(from, piece, [&](const LinkRecord& record) {
        if (const auto* fence = std::get_if<LinkedFence>(&record)) return moves_.handle(*fence);
        std::visit(
            [&](const auto& value) {
                if constexpr (requires { handle_record(now, from, value); })
                    handle_record(now, from, value);
            },
            record);
    });
}

void DataRouter::handle_record(Timestamp now, WorkerIndex from, const LinkedMessage& record) {
    const DataMessage& message = record.message;
    Room* room = rooms_.find(record.room);
    if (message.sender == MemberId()) {
        // What that worker measured: no sender waits for it to be taken.
        if (room != nullptr) (void)deliver(now, *room, message, room->own);
        return;
    }
    if (room == nullptr) {
        // Its last member here went meanwhile.
        if (!message.lossy) links_.add_taken(from, record.room, message.sender, message.cost());
        return;
    }
    const WindowId id = room->remote.window(windows_, record.room, message.sender, from);
    DataWindow& window = windows_.at(id);
    const std::size_t held = window.held;
    if (room->memory.accept_nonce(message.nonce)) (void)deliver(now, *room, message, id);
    // By what came to wait: what waited before may have gone meanwhile.
    const std::size_t waits = window.held - held;
    const bool reported = message.kind == DataKind::kMetrics && reports_.enabled();
    if (reported) window.unsaid += waits;
    if (!message.lossy && (reported || waits == 0)) windows_.note_taken(window, message.cost());
}

void DataRouter::handle_record(Timestamp now, WorkerIndex, const LinkedFrame& record) {
    Room* room = rooms_.find(record.room);
    if (room != nullptr) (void)deliver_frame(now, *room, record.track, record.frame);
}

void DataRouter::handle_record(Timestamp, WorkerIndex from, const LinkedTaken& record) {
    const Member* m = rooms_.find(record.room, record.sender);
    if (m == nullptr) return;
    std::size_t& bytes = windows_.at(m->window).at(from);
    bytes -= std::min(bytes, record.bytes);
    windows_.note_opened();
}

void DataRouter::handle_record(Timestamp, WorkerIndex from, const LinkedLeft& record) {
    Room* room = rooms_.find(record.room);
    if (room == nullptr) return;
    if (const WindowId window = room->remote.take(windows_, record.sender, from))
        receivers_.leave_behind(*room, window);
}

}  // namespace confab::sfu
