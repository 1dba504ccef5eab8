// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "netem/packet_queue.h"

#include <algorithm>

namespace confab::netem {

void PacketQueue::add_block() {
    const auto first = static_cast<std::uint32_t>(blocks_.size() * kSlotsPerBlock);
    blocks_.push_back(std::make_unique<Block>());
    for (std::uint32_t i = kSlotsPerBlock; i > 0; --i)
        free_.push_back(first + i - 1);
}

bool PacketQueue::push(Timestamp at, std::uint64_t tag, BytesView bytes) {
    if (heap_.size() >= max_packets_ || bytes.size() > kMaxDatagram) return false;
    if (free_.empty()) add_block();
    const Packet packet{tag, free_.back(), static_cast<std::uint16_t>(bytes.size())};
    free_.pop_back();
    auto& slot = (*blocks_[packet.slot / kSlotsPerBlock])[packet.slot % kSlotsPerBlock];
    std::copy(bytes.begin(), bytes.end(), slot.begin());
    heap_.push_back({at, next_number_++, packet});
    std::push_heap(heap_.begin(), heap_.end(), later);
    return true;
}

std::optional<PacketQueue::Packet> PacketQueue::pop(Timestamp now) {
    if (next_deadline() > now || heap_.empty()) return std::nullopt;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Packet packet = heap_.back().packet;
    heap_.pop_back();
    return packet;
}

BytesView PacketQueue::bytes(const Packet& packet) const {
    const auto& slot = (*blocks_[packet.slot / kSlotsPerBlock])[packet.slot % kSlotsPerBlock];
    return BytesView(slot).first(packet.size);
}

}  // namespace confab::netem
