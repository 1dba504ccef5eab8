// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/congestion/send_history.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/check.h"

namespace confab::sfu {
namespace {

std::uint32_t low_bits(Timestamp at) {
    return static_cast<std::uint32_t>((at - Timestamp{}).us());
}

}  // namespace

SentPacket SendHistory::packet_of(std::uint16_t number, const Entry& entry) const {
    const std::uint32_t age = low_bits(newest_) - entry.at;
    return {newest_ - Duration::micros(std::int64_t{age}),
            number,
            entry.bytes,
            entry.probe,
            entry.sound,
            entry.repeat};
}

void SendHistory::grow() {
    std::vector<Entry> old(std::max(kLeastPackets, entries_.size() * 2));
    std::swap(old, entries_);
    for (std::size_t age = 1; age <= size_; ++age) {
        const auto number = static_cast<std::uint16_t>(next_ - age);
        entry(number) = old[number % old.size()];
    }
}

void SendHistory::push(SentPacket packet) {
    CONFAB_DCHECK(size_ == 0 || packet.number == next_);
    if (entries_.empty()) grow();
    if (size_ == entries_.size() && size_ < kMaxPackets) {
        const auto oldest = static_cast<std::uint16_t>(next_ - size_);
        if (packet.at - packet_of(oldest, entry(oldest)).at < kKept) grow();
    }
    next_ = static_cast<std::uint16_t>(packet.number + 1);
    newest_ = packet.at;
    size_ = std::min(size_ + 1, entries_.size());
    untold_ = std::min(untold_ + 1, size_);
    entry(packet.number) = {low_bits(packet.at), packet.bytes, packet.probe, true, false,
                            packet.sound,        packet.repeat};
}

void SendHistory::tell(BandwidthPort& port) {
    std::array<SentPacket, 64> some;
    while (untold_ > 0) {
        const std::size_t count = std::min(untold_, some.size());
        for (std::size_t i = 0; i < count; ++i) {
            const auto number = static_cast<std::uint16_t>(next_ - untold_ + i);
            some[i] = packet_of(number, entry(number));
        }
        port.packets_sent(std::span(some).first(count));
        untold_ -= count;
    }
}

std::optional<PacketResult> SendHistory::resolve(std::uint16_t number, bool received) {
    const auto age = static_cast<std::uint16_t>(next_ - number);
    if (age == 0 || age > size_) return std::nullopt;
    Entry& found = entry(number);
    if (!found.open || (!received && found.lost)) return std::nullopt;
    const bool late = found.lost;
    found.open = !received;
    found.lost = true;
    return PacketResult{packet_of(number, found), received, {}, late};
}

}  // namespace confab::sfu
