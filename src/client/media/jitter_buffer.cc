// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/media/jitter_buffer.h"

namespace confab::client {

JitterBuffer::Added JitterBuffer::add(Packet packet) {
    if (next_ && packet.sequence < *next_) return Added::kLate;
    const std::int64_t sequence = packet.sequence;
    if (held_.size() >= kMaxHeld && !held_.contains(sequence)) return Added::kFull;
    const auto [entry, is_new] = held_.try_emplace(sequence, std::move(packet));
    if (is_new) return Added::kNew;
    const Packet& held = entry->second;
    // try_emplace leaves its argument alone when the key is there.
    const bool same = held.timestamp == packet.timestamp && held.marker == packet.marker &&
                      held.payload == packet.payload;
    return same ? Added::kDuplicate : Added::kConflict;
}

std::optional<JitterBuffer::Packet> JitterBuffer::pop(Timestamp now) {
    if (!next_ || held_.empty()) return std::nullopt;
    const auto first = held_.begin();
    const bool hole = first->first > *next_;
    if (hole) {
        if (now - first->second.arrival < kPatience && held_.size() < kMaxHeld) return std::nullopt;
        given_up_ += static_cast<std::uint64_t>(first->first - *next_);
    }
    std::optional<Packet> packet(std::move(first->second));
    packet->contiguous = !hole;
    next_ = first->first + 1;
    held_.erase(first);
    return packet;
}

}  // namespace confab::client
