// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtp/dependency_descriptor.h"

#include <algorithm>

#include "wire/bit_io.h"
#include "wire/rtp/dependency_descriptor_fields.h"

// AV1 RTP payload specification 1.0, Appendix A.8. Mandatory fields, three bytes:
//
//  0                   1                   2
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |S|E| template  |         frame number          |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//
// A longer value goes on with five flags, the structure if the first is set, the bitmask of active
// decode targets if the second is set, and then whatever the frame has different from its template:
//
// +-+-+-+-+-+- - - - - - -+- - - - - - - - - - +- - - - - - - - - - - - - - - - +- - - -+
// |T|A|D|F|C|  structure  |  active targets    | custom DTIs, frame diffs, chains | zeros |
// +-+-+-+-+-+- - - - - - -+- - - - - - - - - - +- - - - - - - - - - - - - - - - +- - - -+

namespace confab::wire {
namespace {

// template_layers(): the layers grow from template to template.
Result<void, ParseError> parse_layers(BitReader& reader, DependencyStructure& s) {
    std::uint8_t spatial = 0;
    std::uint8_t temporal = 0;
    for (;;) {
        if (s.template_count == kMaxDdTemplates) return fail(ParseError::kLimit);
        DdTemplate& t = s.templates[s.template_count++];
        t.spatial_id = spatial;
        t.temporal_id = temporal;
        const std::uint32_t next_layer = reader.bits(2);
        if (!reader.ok()) return fail(ParseError::kTruncated);
        if (next_layer == 3) break;
        if (next_layer == 1) {
            ++temporal;
        } else if (next_layer == 2) {
            temporal = 0;
            ++spatial;
        }
        if (spatial >= kMaxDdSpatialLayers || temporal >= kMaxDdTemporalLayers)
            return fail(ParseError::kLimit);
    }
    s.spatial_layer_count = static_cast<std::uint8_t>(spatial + 1);
    return {};
}

PackedDtis parse_dtis(BitReader& reader, std::size_t count) {
    PackedDtis dtis;
    for (std::size_t i = 0; i < count; ++i)
        dtis.set(i, static_cast<Dti>(reader.bits(2)));
    return dtis;
}

bool parse_template_diffs(BitReader& reader, DdTemplate& t) {
    while (reader.flag()) {
        if (t.frame_diff_count == kMaxDdFrameDiffs) return false;
        t.frame_diffs[t.frame_diff_count++] = static_cast<std::uint8_t>(reader.bits(4) + 1);
    }
    return true;
}

void parse_template_chains(BitReader& reader, DependencyStructure& s) {
    s.chain_count =
        static_cast<std::uint8_t>(reader.non_symmetric(std::uint32_t{s.decode_target_count} + 1));
    if (s.chain_count == 0) return;
    for (std::size_t i = 0; i < s.decode_target_count; ++i)
        s.target_chain[i] = static_cast<std::uint8_t>(reader.non_symmetric(s.chain_count));
    for (std::size_t t = 0; t < s.template_count; ++t)
        for (std::size_t c = 0; c < s.chain_count; ++c)
            s.templates[t].chain_diffs[c] = static_cast<std::uint8_t>(reader.bits(4));
}

// decode_target_layers(): the highest layers among the templates that the target contains.
void derive_target_layers(DependencyStructure& s) {
    for (std::size_t i = 0; i < s.decode_target_count; ++i) {
        for (std::size_t t = 0; t < s.template_count; ++t) {
            const DdTemplate& candidate = s.templates[t];
            if (candidate.dtis[i] == Dti::kNotPresent) continue;
            s.target_spatial[i] = std::max(s.target_spatial[i], candidate.spatial_id);
            s.target_temporal[i] = std::max(s.target_temporal[i], candidate.temporal_id);
        }
    }
}

// render_resolutions(); the fields are one less than the size, so 65536 is cut to 65535.
void parse_resolutions(BitReader& reader, DependencyStructure& s) {
    s.resolution_count = s.spatial_layer_count;
    for (std::size_t i = 0; i < s.resolution_count; ++i) {
        s.resolutions[i].width =
            static_cast<std::uint16_t>(std::min<std::uint32_t>(reader.bits(16) + 1, 0xFFFF));
        s.resolutions[i].height =
            static_cast<std::uint16_t>(std::min<std::uint32_t>(reader.bits(16) + 1, 0xFFFF));
    }
}

Result<void, ParseError> parse_structure(BitReader& reader, DependencyStructure& s) {
    s = DependencyStructure{};
    s.template_id_offset = static_cast<std::uint8_t>(reader.bits(6));
    s.decode_target_count = static_cast<std::uint8_t>(reader.bits(5) + 1);
    CONFAB_TRY_VOID(parse_layers(reader, s));
    for (std::size_t t = 0; t < s.template_count; ++t)
        s.templates[t].dtis = parse_dtis(reader, s.decode_target_count);
    for (std::size_t t = 0; t < s.template_count; ++t)
        if (!parse_template_diffs(reader, s.templates[t])) return fail(ParseError::kLimit);
    parse_template_chains(reader, s);
    derive_target_layers(s);
    if (reader.flag()) parse_resolutions(reader, s);
    if (!reader.ok()) return fail(ParseError::kTruncated);
    return {};
}

// frame_fdiffs(): 4, 8 or 12 bits each.
bool parse_frame_diffs(BitReader& reader, DependencyInfo& info) {
    info.frame_diff_count = 0;
    info.frame_diffs = {};
    while (const std::uint32_t nibbles = reader.bits(2)) {
        if (info.frame_diff_count == kMaxDdFrameDiffs) return false;
        info.frame_diffs[info.frame_diff_count++] =
            static_cast<std::uint16_t>(reader.bits(4 * nibbles) + 1);
    }
    return true;
}

// Takes what the template says, then reads what the frame has of its own.
Result<void, ParseError> parse_frame(BitReader& reader, const DependencyStructure& s,
                                     DependencyInfo& info) {
    info.template_index =
        static_cast<std::uint8_t>((info.template_id + 64 - s.template_id_offset) % 64);
    if (info.template_index >= s.template_count) return fail(ParseError::kMalformed);
    const DdTemplate& t = s.templates[info.template_index];
    info.spatial_id = t.spatial_id;
    info.temporal_id = t.temporal_id;
    info.decode_target_count = s.decode_target_count;
    info.chain_count = s.chain_count;
    info.resolution_count = s.resolution_count;
    if (info.spatial_id < s.resolution_count) info.resolution = s.resolutions[info.spatial_id];
    info.dtis = t.dtis;
    info.frame_diff_count = t.frame_diff_count;
    std::copy(t.frame_diffs.begin(), t.frame_diffs.end(), info.frame_diffs.begin());
    info.chain_diffs = t.chain_diffs;
    if (info.custom_dtis) info.dtis = parse_dtis(reader, s.decode_target_count);
    if (info.custom_frame_diffs && !parse_frame_diffs(reader, info))
        return fail(ParseError::kLimit);
    if (info.custom_chain_diffs)
        for (std::size_t c = 0; c < s.chain_count; ++c)
            info.chain_diffs[c] = static_cast<std::uint8_t>(reader.bits(8));
    if (!reader.ok()) return fail(ParseError::kTruncated);
    return {};
}

}  // namespace

std::uint32_t DependencyStructure::targets_up_to(std::uint8_t spatial,
                                                 std::uint8_t temporal) const {
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < decode_target_count; ++i)
        if (target_spatial[i] <= spatial && target_temporal[i] <= temporal)
            mask |= std::uint32_t{1} << i;
    return mask;
}

std::optional<std::uint8_t> DependencyStructure::find_target(std::uint8_t spatial,
                                                             std::uint8_t temporal) const {
    for (std::size_t i = 0; i < decode_target_count; ++i)
        if (target_spatial[i] == spatial && target_temporal[i] == temporal)
            return static_cast<std::uint8_t>(i);
    return std::nullopt;
}

bool dependency_descriptor_has_structure(BytesView bytes) {
    return bytes.size() > dd::kMandatorySize && (bytes[dd::kMandatorySize] & 0x80) != 0;
}

Result<DependencyInfo, ParseError> parse_dependency_descriptor(BytesView bytes,
                                                               const DependencyStructure* current,
                                                               DependencyStructure* attached_out) {
    if (bytes.size() < dd::kMandatorySize) return fail(ParseError::kTruncated);
    BitReader reader(bytes);
    DependencyInfo info;
    info.first_packet_in_frame = reader.flag();
    info.last_packet_in_frame = reader.flag();
    info.template_id = static_cast<std::uint8_t>(reader.bits(6));
    info.frame_number = static_cast<std::uint16_t>(reader.bits(16));
    if (bytes.size() > dd::kMandatorySize) {
        info.structure_attached = reader.flag();
        info.has_active_targets = reader.flag();
        info.custom_dtis = reader.flag();
        info.custom_frame_diffs = reader.flag();
        info.custom_chain_diffs = reader.flag();
    }
    // The structure has some kilobytes, so packets without one do not pay for it.
    if (info.structure_attached) {
        DependencyStructure attached;
        CONFAB_TRY_VOID(parse_structure(reader, attached));
        info.active_targets = attached.all_targets();
        if (info.has_active_targets)
            info.active_targets = reader.bits(attached.decode_target_count);
        CONFAB_TRY_VOID(parse_frame(reader, attached, info));
        if (attached_out != nullptr) *attached_out = attached;
        return info;
    }
    if (current == nullptr || !current->valid()) return fail(ParseError::kNoStructure);
    if (info.has_active_targets) info.active_targets = reader.bits(current->decode_target_count);
    CONFAB_TRY_VOID(parse_frame(reader, *current, info));
    return info;
}

}  // namespace confab::wire
