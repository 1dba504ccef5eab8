// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/packet_parser.h"

#include <algorithm>
#include <optional>

#include "wire/video/av1.h"
#include "wire/video/h264.h"
#include "wire/video/h265.h"

namespace confab::sfu {
namespace {

bool parse_vp8(MediaPacket& packet, wire::FrameSize& size) {
    const auto descriptor = wire::parse_vp8(packet.payload);
    if (!descriptor) return false;
    packet.vp8 = *descriptor;
    packet.key_frame = descriptor->key_frame;
    packet.frame_start = descriptor->frame_start();
    packet.temporal = descriptor->has_tid ? descriptor->temporal_id : std::uint8_t{0};
    if (descriptor->has_tid && descriptor->layer_sync && packet.temporal > 0) {
        packet.needs_lower_only = true;
        packet.sync_temporal = static_cast<std::int8_t>(packet.temporal);
    }
    if (packet.key_frame)
        size = wire::vp8_key_frame_size(packet.payload.subspan(descriptor->size))
                   .value_or(wire::FrameSize{});
    return true;
}

// Of an encrypted frame of VP9 clients leave no octet clear: what its header would be is noise, and
// the descriptor alone tells that the lowest layer refers to no picture before it (IN-43).
bool is_vp9_key_frame(const wire::Vp9Descriptor& descriptor, bool encrypted) {
    if (!encrypted) return descriptor.key_frame;
    return descriptor.frame_start && !descriptor.inter_picture_predicted &&
           !descriptor.inter_layer_dependency && descriptor.spatial_id == 0;
}

bool parse_vp9(bool encrypted, MediaPacket& packet, wire::FrameSize& size) {
    wire::Vp9ScalabilityStructure structure;
    const auto descriptor = wire::parse_vp9(packet.payload, &structure);
    if (!descriptor) return false;
    packet.vp9 = *descriptor;
    packet.key_frame = is_vp9_key_frame(*descriptor, encrypted);
    packet.frame_start = descriptor->frame_start;
    packet.frame_end = descriptor->frame_end;
    packet.temporal = descriptor->temporal_id;
    packet.spatial = descriptor->spatial_id;
    if (structure.has_sizes && structure.spatial_layers > 0)
        size = structure.sizes[structure.spatial_layers - std::size_t{1}];
    return true;
}

template <typename Parsed>
bool take_h26x(const Result<Parsed, wire::ParseError>& parsed, MediaPacket& packet,
               wire::FrameSize& size) {
    if (!parsed) return false;
    packet.key_frame = parsed->key_frame;
    packet.frame_start = parsed->frame_start;
    if (parsed->size.known()) size = parsed->size;
    return true;
}

bool parse_av1(MediaPacket& packet, wire::FrameSize& size) {
    const auto parsed = wire::parse_av1(packet.payload);
    if (!parsed) return false;
    packet.key_frame = parsed->key_frame;
    packet.frame_start = !parsed->continues_obu;
    if (parsed->size.known()) size = parsed->size;
    return true;
}

bool parse_codec(bool encrypted, MediaPacket& packet, wire::FrameSize& size) {
    switch (packet.codec) {
        case Codec::kVp8:
            return parse_vp8(packet, size);
        case Codec::kVp9:
            return parse_vp9(encrypted, packet, size);
        case Codec::kH264:
            return take_h26x(wire::parse_h264(packet.payload), packet, size);
        case Codec::kH265: {
            const auto parsed = wire::parse_h265(packet.payload);
            if (parsed) packet.temporal = parsed->temporal_id;
            return take_h26x(parsed, packet, size);
        }
        case Codec::kAv1:
            return parse_av1(packet, size);
        case Codec::kNone:
            return false;
        case Codec::kOpus:
        case Codec::kRed:
        case Codec::kPcmu:
        case Codec::kPcma:
            return true;
    }
    return false;
}

// What the Y bit says of a frame with a full descriptor, for the one-byte descriptor that stands
// beside a dependency descriptor (IN-25).
void read_temporal_sync(DependencyState& state, const wire::DependencyInfo& info,
                        MediaPacket& packet) {
    auto& recent = state.recent;
    packet.needs_lower_only = true;
    for (const std::uint16_t diff : info.diffs()) {
        const auto number = static_cast<std::uint16_t>(info.frame_number - diff);
        const DependencyState::Frame& frame = recent[number % recent.size()];
        packet.needs_lower_only &=
            frame.known && frame.number == number && frame.temporal < info.temporal_id;
    }
    recent[info.frame_number % recent.size()] = {info.frame_number, info.temporal_id, true};
    const wire::DependencyStructure& structure = state.structure;
    for (std::uint8_t t = 0; t < info.decode_target_count; ++t)
        if (info.dtis[t] == wire::Dti::kSwitch)
            packet.sync_temporal = std::max(packet.sync_temporal,
                                            static_cast<std::int8_t>(structure.target_temporal[t]));
}

// False: the descriptor cannot be used (IN-20: nothing before the first structure).
bool parse_dependency(DependencyState& state, MediaPacket& packet, wire::FrameSize& size) {
    const wire::DependencyStructure* current = state.structure.valid() ? &state.structure : nullptr;
    // What a repaired packet brings may be older than what is in force: it is then of no use, and
    // must not take the place of the newer one.
    std::optional<wire::DependencyStructure> late;
    if (packet.late) late.emplace();
    const auto info = wire::parse_dependency_descriptor(packet.dd_bytes, current,
                                                        late ? &*late : &state.structure);
    const bool outdated = late && late->valid() && packet.sequence < state.structure_sequence;
    if (!info || outdated) {
        ++state.without_structure;
        return false;
    }
    if (info->structure_attached) {
        if (late) state.structure = *late;
        state.structure_sequence = packet.sequence;
    }
    packet.dd = *info;
    packet.has_dd = true;
    packet.frame_start = info->first_packet_in_frame;
    packet.frame_end = info->last_packet_in_frame;
    packet.temporal = info->temporal_id;
    if (packet.codec == Codec::kVp8 && info->first_packet_in_frame)
        read_temporal_sync(state, *info, packet);
    if (info->structure_attached && state.structure.resolution_count > 0)
        size = state.structure.resolutions[state.structure.resolution_count - std::size_t{1}];
    return true;
}

}  // namespace

bool parse_payload(const ParseOptions& options, DependencyState& dependency, MediaPacket& packet,
                   wire::FrameSize& size_out) {
    size_out = {};
    if (kind_of(packet.codec) == MediaKind::kAudio) return true;
    const bool parsed = parse_codec(options.encrypted, packet, size_out);
    if (!parsed && !options.encrypted) return false;
    bool has_dd = false;
    if (!packet.dd_bytes.empty()) has_dd = parse_dependency(dependency, packet, size_out);

    const bool simulcast = options.mode != LayerMode::kMultipleSpatialLayersPerStream;
    if (simulcast) {
        packet.spatial = options.stream_spatial;
    } else if (has_dd) {
        packet.spatial = packet.dd.spatial_id;
    } else if (packet.codec != Codec::kVp9) {
        packet.spatial = 0;
    }
    // AV1 layers are known from the descriptor alone; without a usable one the packet could not be
    // attributed (IN-20). A single-layer stream without the extension passes.
    if (packet.codec == Codec::kAv1 && !packet.dd_bytes.empty() && !has_dd) return false;
    packet.frame_end = packet.frame_end || packet.marker;
    return true;
}

}  // namespace confab::sfu
