// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Dependency descriptor RTP header extension (AV1 RTP payload specification 1.0, Appendix A).
// A structure of templates comes with a key frame; every other packet names a template and what
// differs from it. All types are plain data of bounded size, so that they can cross worker rings
// by copy (02 DES-40). Rewriting for subscribers follows 02 FWD-08.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/parse_error.h"

namespace confab::wire {

// The first three are limits of the format itself; the layer limits are those of AV1 (2-bit
// spatial_id, 3-bit temporal_id), the frame-diff limit is twice the references an AV1 frame has.
inline constexpr std::size_t kMaxDdTemplates = 64;
inline constexpr std::size_t kMaxDdDecodeTargets = 32;
inline constexpr std::size_t kMaxDdChains = 32;
inline constexpr std::size_t kMaxDdSpatialLayers = 4;
inline constexpr std::size_t kMaxDdTemporalLayers = 8;
inline constexpr std::size_t kMaxDdFrameDiffs = 16;
// Longest value of a two-byte header extension (RFC 8285 §4.3).
inline constexpr std::size_t kMaxDependencyDescriptorSize = 255;

enum class Dti : std::uint8_t { kNotPresent = 0, kDiscardable = 1, kSwitch = 2, kRequired = 3 };

// Two bits per decode target, target 0 in the lowest bits.
class PackedDtis {
  public:
    constexpr Dti operator[](std::size_t target) const {
        return static_cast<Dti>((bits_ >> (2 * target)) & 3);
    }
    constexpr void set(std::size_t target, Dti value) {
        bits_ &= ~(std::uint64_t{3} << (2 * target));
        bits_ |= std::uint64_t{static_cast<std::uint8_t>(value)} << (2 * target);
    }
    bool operator==(const PackedDtis&) const = default;

  private:
    std::uint64_t bits_ = 0;
};

// What one frame depends on; the part that a template and a frame have in common.
struct DdTemplate {
    std::uint8_t spatial_id = 0;
    std::uint8_t temporal_id = 0;
    std::uint8_t frame_diff_count = 0;
    std::array<std::uint8_t, kMaxDdFrameDiffs> frame_diffs{};  // 1–16 frames back
    std::array<std::uint8_t, kMaxDdChains> chain_diffs{};      // 0–15, `chain_count` are used
    PackedDtis dtis;
    bool operator==(const DdTemplate&) const = default;
};

struct DependencyStructure {
    std::uint8_t template_id_offset = 0;
    std::uint8_t template_count = 0;  // 0: no structure
    std::uint8_t decode_target_count = 0;
    std::uint8_t chain_count = 0;
    std::uint8_t spatial_layer_count = 0;  // highest spatial id of a template + 1
    std::uint8_t resolution_count = 0;     // 0 or spatial_layer_count
    std::array<std::uint8_t, kMaxDdDecodeTargets> target_chain{};    // protecting chain
    std::array<std::uint8_t, kMaxDdDecodeTargets> target_spatial{};  // highest layer of the target
    std::array<std::uint8_t, kMaxDdDecodeTargets> target_temporal{};
    std::array<FrameSize, kMaxDdSpatialLayers> resolutions{};
    std::array<DdTemplate, kMaxDdTemplates> templates{};

    bool valid() const { return template_count != 0; }
    // Bit t set for every decode target.
    std::uint32_t all_targets() const {
        return static_cast<std::uint32_t>((std::uint64_t{1} << decode_target_count) - 1);
    }
    // Bit t set for every target of at most these layers (the mask of 02 FWD-08).
    std::uint32_t targets_up_to(std::uint8_t spatial, std::uint8_t temporal) const;
    // The target of exactly these layers.
    std::optional<std::uint8_t> find_target(std::uint8_t spatial, std::uint8_t temporal) const;
    bool operator==(const DependencyStructure&) const = default;
};

// One packet's descriptor, resolved against its structure.
struct DependencyInfo {
    std::uint16_t frame_number = 0;
    bool first_packet_in_frame = false;
    bool last_packet_in_frame = false;
    bool structure_attached = false;
    bool has_active_targets = false;  // the mask is explicit in the packet
    bool custom_dtis = false;
    bool custom_frame_diffs = false;
    bool custom_chain_diffs = false;
    std::uint8_t template_id = 0;     // as on the wire, 0–63
    std::uint8_t template_index = 0;  // into DependencyStructure::templates
    std::uint8_t spatial_id = 0;
    std::uint8_t temporal_id = 0;
    std::uint8_t decode_target_count = 0;
    std::uint8_t chain_count = 0;
    std::uint8_t frame_diff_count = 0;
    std::uint8_t resolution_count = 0;  // of the structure
    // The explicit mask; all targets when a structure is attached without one; else 0.
    std::uint32_t active_targets = 0;
    PackedDtis dtis;
    std::array<std::uint16_t, kMaxDdFrameDiffs> frame_diffs{};  // 1–4096 frames back
    std::array<std::uint8_t, kMaxDdChains> chain_diffs{};       // 0: first frame of the chain
    FrameSize resolution;  // of spatial_id, unknown when the structure has none

    std::span<const std::uint16_t> diffs() const {
        return std::span(frame_diffs).first(frame_diff_count);
    }
    std::span<const std::uint8_t> chains() const {
        return std::span(chain_diffs).first(chain_count);
    }
    bool operator==(const DependencyInfo&) const = default;
};

// Parses the value of the extension. `current` is the structure in force, nullptr before the first
// one. An attached structure takes precedence and is stored in *attached_out (which may be
// nullptr, and may be *current); on error *attached_out is unchanged.
// Errors: kTruncated, kLimit, kNoStructure, kMalformed (unknown template).
Result<DependencyInfo, ParseError> parse_dependency_descriptor(
    BytesView bytes, const DependencyStructure* current,
    DependencyStructure* attached_out = nullptr);

// Whether the value carries a structure, without parsing it.
bool dependency_descriptor_has_structure(BytesView bytes);

// Writes `info` anew: the template of equal layers that needs the fewest custom fields, the mask
// when has_active_targets, the structure when structure_attached. Returns the size.
// Errors: kLimit (no room in `out`), kMalformed (no template with these layers, or a value the
// format cannot express).
Result<std::size_t, ParseError> write_dependency_descriptor(const DependencyInfo& info,
                                                            const DependencyStructure& structure,
                                                            BytesSpan out);

// Copies a received value with another frame number. Without attached structure the result always
// carries `active_targets`, everything else staying bit for bit; with one nothing but the frame
// number changes (02 FWD-08). `structure` is the one in force for non-structure packets.
// Returns the size; errors: kTruncated, kNoStructure, kLimit.
Result<std::size_t, ParseError> rewrite_dependency_descriptor(BytesView original,
                                                              const DependencyStructure& structure,
                                                              std::uint16_t frame_number,
                                                              std::uint32_t active_targets,
                                                              BytesSpan out);

}  // namespace confab::wire
