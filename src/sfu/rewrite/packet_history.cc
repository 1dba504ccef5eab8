// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/rewrite/packet_history.h"

#include <algorithm>

#include "base/check.h"

namespace confab::sfu {
namespace {
std::size_t slot_of(std::int64_t sequence, std::size_t size) {
    return static_cast<std::size_t>(sequence) % size;
}
// The same view in a copy of the slot.
BytesView moved(BytesView view, const PacketRef& from, const PacketRef& to) {
    if (view.empty()) return {};
    CONFAB_DCHECK(view.data() >= from.data().data() &&
                  view.data() + view.size() <= from.data().data() + from.data().size());
    return BytesView(to.data()).subspan(static_cast<std::size_t>(view.data() - from.data().data()),
                                        view.size());
}
}  // namespace

PacketHistory::PacketHistory(MediaKind kind, std::size_t max)
    : max_(kind == MediaKind::kVideo ? kVideoMax : kAudioMax) {
    if (max > 0) max_ = max;
    entries_.resize(std::min(kInitial, max_));
}

void PacketHistory::grow() {
    std::vector<HistoryEntry> larger(std::min(max_, 2 * entries_.size()));
    for (HistoryEntry& entry : entries_)
        if (HistoryEntry& slot = larger[slot_of(entry.sequence, larger.size())];
            entry.packet && (!slot.packet || slot.sequence < entry.sequence))
            slot = std::move(entry);
    entries_ = std::move(larger);
}

void PacketHistory::drop_old(Timestamp now, std::int64_t newest) {
    // What is further back has lost its place, however many there are by now.
    const auto most = static_cast<std::int64_t>(max_);
    oldest_ = oldest_ < 0 ? newest : std::max(oldest_, newest - most + 1);
    for (; oldest_ < newest; ++oldest_) {
        HistoryEntry& entry = entries_[slot_of(oldest_, entries_.size())];
        if (!entry.packet || entry.sequence > oldest_) continue;
        if (now - entry.arrival < kKept) return;
        entry = {};
    }
}

HistoryEntry& PacketHistory::place_for(std::int64_t sequence) {
    for (;;) {
        HistoryEntry& entry = entries_[slot_of(sequence, entries_.size())];
        // All that is there is young. A very late packet takes nobody's place.
        if (!entry.packet || entry.sequence >= sequence || entries_.size() >= max_) return entry;
        grow();
    }
}

void PacketHistory::add(PacketPool& pool, MediaPacket& packet, PacketRef& ref) {
    CONFAB_CHECK(packet.sequence >= 0);  // it is an index
    drop_old(packet.arrival, packet.sequence);
    newest_ = packet.arrival;
    PacketRef kept = pool.compact(ref);
    if (kept.slot() != ref.slot()) {
        packet.payload = moved(packet.payload, ref, kept);
        packet.dd_bytes = moved(packet.dd_bytes, ref, kept);
        ref = kept;
    }
    HistoryEntry& entry = place_for(packet.sequence);
    if (entry.packet && entry.sequence > packet.sequence) return;  // a very late packet
    // The place of its predecessor is for packets that are yet to come.
    if (pool.crowded() && kept.buffer().size() > PacketPool::kSmallCapacity) {
        entry = {};
        return;
    }
    entry.sequence = packet.sequence;
    entry.packet = std::move(kept);
    entry.payload = packet.payload;
    entry.dd_bytes = packet.dd_bytes;
    entry.timestamp = packet.timestamp;
    entry.arrival = packet.arrival;
    entry.abs_capture_time = packet.abs_capture_time;
    entry.has_abs_capture_time = packet.has_abs_capture_time;
    entry.frame_end = packet.frame_end;
    entry.codec = packet.codec;
}

const HistoryEntry* PacketHistory::find(std::int64_t sequence) const {
    if (sequence < 0) return nullptr;
    const HistoryEntry& entry = entries_[slot_of(sequence, entries_.size())];
    return entry.packet && entry.sequence == sequence ? &entry : nullptr;
}

void PacketHistory::clear() {
    for (HistoryEntry& entry : entries_)
        entry = {};
    oldest_ = -1;
}

}  // namespace confab::sfu
