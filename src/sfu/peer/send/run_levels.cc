// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/send/run_levels.h"

#include <algorithm>

namespace confab::sfu {
namespace {

// Packets that are to have one length, that of the longest.
struct Level {
    LevelLimits limits;
    std::uint32_t count = 0;
    std::uint32_t length = 0;
    std::uint32_t bytes = 0;
    std::uint32_t shortest = ~std::uint32_t{0};        // of those that take padding
    std::uint32_t shortest_fixed = ~std::uint32_t{0};  // of those that take none

    void add(const LevelledPacket& packet) {
        ++count;
        bytes += packet.size;
        length = std::max(length, packet.size);
        std::uint32_t& least = packet.fixed ? shortest_fixed : shortest;
        least = std::min(least, packet.size);
    }
    // Whether one has too little, however many come that are not longer.
    bool hopeless() const {
        return shortest_fixed < length ||
               (count > 0 && length > std::uint64_t{shortest} + limits.padding);
    }
    bool possible() const {
        const std::uint32_t whole = length * count;
        return !hopeless() && (whole - bytes) * limits.share <= whole;
    }
};

struct Run {
    std::size_t count = 1;
    std::uint32_t length = 0;
};

// The longest one that begins with the first packet.
Run first_run(std::span<const LevelledPacket> packets, const LevelLimits& limits) {
    Run best{1, packets[0].size};
    Level level{limits};
    for (std::size_t i = 0; i < packets.size(); ++i) {
        // The last one of a run may be shorter.
        if (i > 0 && level.possible() && packets[i].size <= level.length)
            best = {i + 1, level.length};
        level.add(packets[i]);
        if (level.hopeless()) break;
        if (level.possible()) best = {i + 1, level.length};
    }
    return best;
}

}  // namespace

void level_lengths(std::span<LevelledPacket> packets, const LevelLimits& limits) {
    while (!packets.empty()) {
        const Run run = first_run(packets, limits);
        for (LevelledPacket& packet : packets.first(run.count - 1))
            packet.padding = static_cast<std::uint8_t>(run.length - packet.size);
        packets = packets.subspan(run.count);
    }
}

}  // namespace confab::sfu
