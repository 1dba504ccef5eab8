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

// The first one of a partition does not.
bool begins_alike(const MediaPacket& packet, const MediaPacket& before) {
    return packet.vp8.start_of_partition == before.vp8.start_of_partition &&
           packet.vp8.non_reference == before.vp8.non_reference &&
           packet.vp8.partition_id == before.vp8.partition_id;
}

void measure(SharedFrame& frame, BytesView payload, BytesSpan slot) {
    const auto size = static_cast<std::uint32_t>(payload.size());
    const auto before = static_cast<std::uint32_t>(payload.data() - slot.data());
    const auto behind = static_cast<std::uint32_t>(slot.size()) - before - size;
    frame.octets += size;
    frame.shortest = std::min(frame.shortest, size);
    frame.before = std::min(frame.before, before);
    frame.behind = std::min(frame.behind, behind);
}

}  // namespace

std::size_t frame_length(std::span<const ArrivedPacket> packets) {
    if (decided_alone(packets.front().media)) return 1;
    const std::size_t most = std::min(packets.size(), SharedFrame::kMost);
    std::size_t count = 1;
    while (count < most && follows(packets[count].media, packets[count - 1].media) &&
           (count == 1 || begins_alike(packets[count].media, packets[count - 1].media)))
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
    frame->octets = 0;
    frame->shortest = frame->before = frame->behind = ~std::uint32_t{0};
    for (std::size_t i = 0; i < packets.size(); ++i) {
        const BytesView payload = packets[i].media.payload;
        frame->packets[i] = {packets[i].ref, payload};
        measure(*frame, payload, packets[i].ref.buffer());
    }
    frame->marker = packets.back().media.marker;
    frame->first_octet = wire::vp8_first_octet(packets.front().media.vp8);
    frame->later_octet = wire::vp8_first_octet(packets.back().media.vp8);
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
