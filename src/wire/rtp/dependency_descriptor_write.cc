// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Writing of the dependency descriptor: anew from parsed values, and as a patched copy.
#include <algorithm>
#include <limits>

#include "wire/bit_io.h"
#include "wire/rtp/dependency_descriptor.h"
#include "wire/rtp/dependency_descriptor_fields.h"

namespace confab::wire {
namespace {

// What a frame says beyond one template.
struct Custom {
    bool dtis = false;
    bool frame_diffs = false;
    bool chain_diffs = false;
};

Custom differences(const DependencyInfo& info, const DependencyStructure& s, const DdTemplate& t) {
    Custom custom;
    for (std::size_t i = 0; i < s.decode_target_count; ++i)
        custom.dtis |= info.dtis[i] != t.dtis[i];
    custom.frame_diffs =
        info.frame_diff_count != t.frame_diff_count ||
        !std::equal(info.diffs().begin(), info.diffs().end(), t.frame_diffs.begin());
    custom.chain_diffs = !std::equal(
        info.chain_diffs.begin(), info.chain_diffs.begin() + s.chain_count, t.chain_diffs.begin());
    return custom;
}

unsigned diff_nibbles(std::uint16_t diff) {
    const unsigned value = diff - 1U;
    return value < 16 ? 1 : value < 256 ? 2 : 3;
}

std::size_t cost_bits(const DependencyInfo& info, const DependencyStructure& s, Custom custom) {
    std::size_t bits = 0;
    if (custom.dtis) bits += std::size_t{2} * s.decode_target_count;
    if (custom.frame_diffs) {
        bits += 2;
        for (const std::uint16_t diff : info.diffs())
            bits += 2 + 4 * diff_nibbles(diff);
    }
    if (custom.chain_diffs) bits += std::size_t{8} * s.chain_count;
    return bits;
}

struct Choice {
    std::size_t index = 0;
    Custom custom;
};

std::optional<Choice> choose_template(const DependencyInfo& info, const DependencyStructure& s) {
    std::optional<Choice> best;
    std::size_t best_cost = std::numeric_limits<std::size_t>::max();
    for (std::size_t i = 0; i < s.template_count; ++i) {
        const DdTemplate& t = s.templates[i];
        if (t.spatial_id != info.spatial_id || t.temporal_id != info.temporal_id) continue;
        const Custom custom = differences(info, s, t);
        const std::size_t cost = cost_bits(info, s, custom);
        if (cost < best_cost) {
            best = Choice{i, custom};
            best_cost = cost;
        }
    }
    return best;
}

bool layers_follow(const DdTemplate& from, const DdTemplate& to) {
    if (to.spatial_id == from.spatial_id)
        return to.temporal_id == from.temporal_id || to.temporal_id == from.temporal_id + 1;
    return to.spatial_id == from.spatial_id + 1 && to.temporal_id == 0;
}

bool template_writable(const DependencyStructure& s, const DdTemplate& t) {
    if (t.frame_diff_count > kMaxDdFrameDiffs) return false;
    for (std::size_t i = 0; i < t.frame_diff_count; ++i)
        if (t.frame_diffs[i] < 1 || t.frame_diffs[i] > 16) return false;
    return std::all_of(t.chain_diffs.begin(), t.chain_diffs.begin() + s.chain_count,
                       [](std::uint8_t diff) { return diff <= 15; });
}

bool structure_writable(const DependencyStructure& s) {
    if (s.template_count == 0 || s.template_count > kMaxDdTemplates) return false;
    if (s.decode_target_count == 0 || s.decode_target_count > kMaxDdDecodeTargets) return false;
    if (s.chain_count > s.decode_target_count || s.template_id_offset > 63) return false;
    if (s.templates[0].spatial_id != 0 || s.templates[0].temporal_id != 0) return false;
    if (s.spatial_layer_count != s.templates[s.template_count - 1U].spatial_id + 1) return false;
    if (s.spatial_layer_count > kMaxDdSpatialLayers) return false;
    if (s.resolution_count != 0 && s.resolution_count != s.spatial_layer_count) return false;
    for (std::size_t i = 0; i < s.template_count; ++i) {
        if (!template_writable(s, s.templates[i])) return false;
        if (i > 0 && !layers_follow(s.templates[i - 1], s.templates[i])) return false;
    }
    if (s.chain_count == 0) return true;
    return std::all_of(s.target_chain.begin(), s.target_chain.begin() + s.decode_target_count,
                       [&](std::uint8_t chain) { return chain < s.chain_count; });
}

void write_dtis(BitWriter& out, const PackedDtis& dtis, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
        out.bits(static_cast<std::uint8_t>(dtis[i]), 2);
}

void write_layers(BitWriter& out, const DependencyStructure& s) {
    for (std::size_t i = 1; i < s.template_count; ++i) {
        const DdTemplate& from = s.templates[i - 1];
        const DdTemplate& to = s.templates[i];
        const bool up = to.spatial_id != from.spatial_id;
        out.bits(up ? 2 : to.temporal_id != from.temporal_id ? 1 : 0, 2);
    }
    out.bits(3, 2);
}

void write_structure(BitWriter& out, const DependencyStructure& s) {
    out.bits(s.template_id_offset, 6);
    out.bits(s.decode_target_count - 1U, 5);
    write_layers(out, s);
    const auto templates = std::span(s.templates).first(s.template_count);
    for (const DdTemplate& t : templates)
        write_dtis(out, t.dtis, s.decode_target_count);
    for (const DdTemplate& t : templates) {
        for (std::size_t i = 0; i < t.frame_diff_count; ++i)
            out.bits(0x10U | (t.frame_diffs[i] - 1U), 5);
        out.flag(false);
    }
    out.non_symmetric(s.chain_count, std::uint32_t{s.decode_target_count} + 1);
    if (s.chain_count > 0) {
        for (std::size_t i = 0; i < s.decode_target_count; ++i)
            out.non_symmetric(s.target_chain[i], s.chain_count);
        for (const DdTemplate& t : templates)
            for (std::size_t c = 0; c < s.chain_count; ++c)
                out.bits(t.chain_diffs[c], 4);
    }
    out.flag(s.resolution_count > 0);
    for (std::size_t i = 0; i < s.resolution_count; ++i) {
        out.bits(s.resolutions[i].width - 1U, 16);
        out.bits(s.resolutions[i].height - 1U, 16);
    }
}

void write_custom(BitWriter& out, const DependencyInfo& info, const DependencyStructure& s,
                  Custom custom) {
    if (custom.dtis) write_dtis(out, info.dtis, s.decode_target_count);
    if (custom.frame_diffs) {
        for (const std::uint16_t diff : info.diffs()) {
            const unsigned nibbles = diff_nibbles(diff);
            out.bits(nibbles, 2);
            out.bits(diff - 1U, 4 * nibbles);
        }
        out.bits(0, 2);
    }
    if (custom.chain_diffs)
        for (std::size_t c = 0; c < s.chain_count; ++c)
            out.bits(info.chain_diffs[c], 8);
}

bool frame_writable(const DependencyInfo& info) {
    if (info.frame_diff_count > kMaxDdFrameDiffs) return false;
    return std::all_of(info.diffs().begin(), info.diffs().end(),
                       [](std::uint16_t diff) { return diff >= 1 && diff <= 4096; });
}

}  // namespace

Result<std::size_t, ParseError> write_dependency_descriptor(const DependencyInfo& info,
                                                            const DependencyStructure& structure,
                                                            BytesSpan out) {
    if (!structure_writable(structure) || !frame_writable(info))
        return fail(ParseError::kMalformed);
    const auto choice = choose_template(info, structure);
    if (!choice) return fail(ParseError::kMalformed);
    const Custom custom = choice->custom;
    BitWriter bits(out.first(std::min(out.size(), kMaxDependencyDescriptorSize)));
    bits.flag(info.first_packet_in_frame);
    bits.flag(info.last_packet_in_frame);
    bits.bits(static_cast<std::uint32_t>((structure.template_id_offset + choice->index) % 64), 6);
    bits.bits(info.frame_number, 16);
    if (info.structure_attached || info.has_active_targets || custom.dtis || custom.frame_diffs ||
        custom.chain_diffs) {
        bits.flag(info.structure_attached);
        bits.flag(info.has_active_targets);
        bits.flag(custom.dtis);
        bits.flag(custom.frame_diffs);
        bits.flag(custom.chain_diffs);
        if (info.structure_attached) write_structure(bits, structure);
        if (info.has_active_targets)
            bits.bits(info.active_targets & structure.all_targets(), structure.decode_target_count);
        write_custom(bits, info, structure, custom);
    }
    if (!bits.ok()) return fail(ParseError::kLimit);
    return bits.bytes_used();
}

Result<std::size_t, ParseError> rewrite_dependency_descriptor(BytesView original,
                                                              const DependencyStructure& structure,
                                                              std::uint16_t frame_number,
                                                              std::uint32_t active_targets,
                                                              BytesSpan out) {
    if (original.size() < dd::kMandatorySize) return fail(ParseError::kTruncated);
    if (dependency_descriptor_has_structure(original)) {
        if (original.size() > out.size()) return fail(ParseError::kLimit);
        std::copy(original.begin(), original.end(), out.begin());
        store_be16(&out[1], frame_number);
        return original.size();
    }
    if (!structure.valid()) return fail(ParseError::kNoStructure);

    BitReader in(original);
    BitWriter bits(out.first(std::min(out.size(), kMaxDependencyDescriptorSize)));
    bits.bits(in.bits(8), 8);
    in.skip(16);
    bits.bits(frame_number, 16);
    bool had_mask = false;
    std::uint32_t custom_flags = 0;
    if (original.size() > dd::kMandatorySize) {
        in.skip(1);
        had_mask = in.flag();
        custom_flags = in.bits(3);
    }
    if (had_mask) in.skip(structure.decode_target_count);
    if (!in.ok()) return fail(ParseError::kTruncated);
    bits.bits(1, 2);  // no structure, a mask
    bits.bits(custom_flags, 3);
    bits.bits(active_targets & structure.all_targets(), structure.decode_target_count);
    // Without custom fields the rest is zero padding and may go.
    while (custom_flags != 0 && in.remaining() > 0) {
        const unsigned count = static_cast<unsigned>(std::min<std::size_t>(in.remaining(), 32));
        bits.bits(in.bits(count), count);
    }
    if (!bits.ok()) return fail(ParseError::kLimit);
    return bits.bytes_used();
}

}  // namespace confab::wire
