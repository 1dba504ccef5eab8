// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/packet/shared_frame.h"

#include <algorithm>

#include "base/check.h"

namespace confab::sfu {
namespace {

bool decided_alone(const MediaPacket& packet) {
    return kind_of(packet.codec) != MediaKind::kVideo || packet.late || packet.key_frame ||
           packet.padding_only || packet.has_abs_capture_time;
}

bool follows(const MediaPacket& packet, const MediaPacket& before) {
    if (before.marker || packet.codec != before.codec || packet.sequence != before.sequence + 1 ||
        packet.timestamp != before.timestamp || packet.spatial != before.spatial ||
        packet.temporal != before.temporal || decided_alone(packet))
        return false;
    return packet.codec != Codec::kVp8 ||
           (packet.vp8.size == before.vp8.size && wire::same_vp8_picture(packet.vp8, before.vp8));
}

}  // namespace

std::size_t frame_length(std::span<const ArrivedPacket> packets) {
    if (decided_alone(packets.front().media)) return 1;
    const std::size_t most = std::min(packets.size(), SharedFrame::kMost);
    std::size_t count = 1;
    while (count < most && follows(packets[count].media, packets[count - 1].media))
        ++count;
    return count;
}

FrameRef FramePool::share(std::span<const ArrivedPacket> packets) {
    CONFAB_DCHECK(packets.size() >= 2 && packets.size() <= SharedFrame::kMost);
    SharedFrame* frame = free_;
    if (frame != nullptr) {
        free_ = frame->next_free;
    } else {
        all_.push_back(std::make_unique<SharedFrame>());
        frame = all_.back().get();
        frame->pool = this;
    }
    ++in_use_;
    frame->references = 1;
    frame->count = static_cast<std::uint32_t>(packets.size());
    for (std::size_t i = 0; i < packets.size(); ++i) {
        const MediaPacket& media = packets[i].media;
        const bool vp8 = media.codec == Codec::kVp8;
        frame->packets[i] = {packets[i].ref, media.payload, media.marker,
                             vp8 ? wire::vp8_first_octet(media.vp8) : std::uint8_t{0}};
    }
    return FrameRef(frame);
}

void FramePool::release(SharedFrame* frame) {
    for (SharedFrame::Packet& packet : std::span(frame->packets).first(frame->count))
        packet.ref.reset();
    frame->count = 0;
    frame->next_free = free_;
    free_ = frame;
    --in_use_;
}

}  // namespace confab::sfu
