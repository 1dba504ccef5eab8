// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/recent_frames.h"

#include <algorithm>

namespace confab::sfu {
namespace {

bool begins_line(const MediaPacket& media, const std::vector<ArrivedPacket>& packets) {
    if (!media.key_frame || !media.frame_start || media.late) return false;
    // The layers of a scalable picture are frames of one time.
    return packets.empty() || packets.front().media.timestamp != media.timestamp;
}

}  // namespace

void RecentFrames::Line::clear() {
    packets.clear();
    bytes = 0;
}

void RecentFrames::clear() {
    for (Line& line : lines_)
        line.clear();
}

void RecentFrames::add(std::size_t stream, const ArrivedPacket& packet) {
    Line& line = lines_[stream];
    const MediaPacket& media = packet.media;
    if (begins_line(media, line.packets))
        line.clear();
    else if (line.packets.empty() || media.sequence < line.packets.front().media.sequence)
        return;
    line.bytes += media.payload.size();
    if (line.packets.size() == kMaxPackets || line.bytes > kMaxBytes ||
        (!line.packets.empty() && media.arrival - line.packets.front().media.arrival > kYoung)) {
        line.clear();
        return;
    }
    // Nearly always the newest.
    auto place = line.packets.end();
    while (place != line.packets.begin() && (place - 1)->media.sequence > media.sequence)
        --place;
    line.packets.insert(place, packet);
}

std::span<const ArrivedPacket> RecentFrames::since_key_frame(Timestamp now, std::size_t stream) {
    Line& line = lines_[stream];
    if (line.packets.empty()) return {};
    if (now - line.packets.front().media.arrival > kYoung) {
        line.clear();
        return {};
    }
    if (now - line.packets.back().media.arrival > kFlowing) return {};
    const auto hole = std::adjacent_find(line.packets.begin(), line.packets.end(),
                                         [](const ArrivedPacket& a, const ArrivedPacket& b) {
                                             return a.media.sequence + 1 != b.media.sequence;
                                         });
    if (hole != line.packets.end()) return {};
    return line.packets;
}

}  // namespace confab::sfu
