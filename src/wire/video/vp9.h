// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// VP9 payload descriptor (RFC 9628 §4.2). Flexible (F=1) and non-flexible mode; the scalability
// structure is skipped unless the caller asks for it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/parse_error.h"

namespace confab::wire {

inline constexpr std::size_t kMaxVp9SpatialLayers = 8;
inline constexpr std::size_t kMaxVp9ReferenceDiffs = 3;

struct Vp9Descriptor {
    bool has_picture_id = false;             // I
    bool inter_picture_predicted = false;    // P
    bool has_layer_indices = false;          // L
    bool flexible = false;                   // F
    bool frame_start = false;                // B
    bool frame_end = false;                  // E
    bool has_scalability_structure = false;  // V
    bool not_reference_for_upper = false;    // Z
    bool picture_id_15bit = false;           // M
    bool has_tl0_pic_idx = false;            // L=1 and F=0
    bool switching_up_point = false;         // U
    bool inter_layer_dependency = false;     // D
    bool key_frame = false;  // B=1 and the uncompressed header is that of a key frame (02 §3.2)
    std::uint8_t temporal_id = 0;  // TID, 0–7
    std::uint8_t spatial_id = 0;   // SID, 0–7
    std::uint8_t tl0_pic_idx = 0;
    std::uint8_t reference_diff_count = 0;  // P_DIFFs, F=1 and P=1 only
    std::array<std::uint8_t, kMaxVp9ReferenceDiffs> reference_diffs{};
    std::uint16_t picture_id = 0;  // 7 or 15 bits
    std::uint16_t size = 0;        // bytes of the descriptor, structure included

    bool operator==(const Vp9Descriptor&) const = default;
};

struct Vp9ScalabilityStructure {
    std::uint8_t spatial_layers = 0;  // 1–8; 0 when the packet has no structure
    bool has_sizes = false;           // Y
    std::array<FrameSize, kMaxVp9SpatialLayers> sizes{};
    std::uint8_t pictures_in_group = 0;  // N_G, 0 when G=0
};

// `payload` is the RTP payload without padding. `structure`, when given, is overwritten.
Result<Vp9Descriptor, ParseError> parse_vp9(BytesView payload,
                                            Vp9ScalabilityStructure* structure = nullptr);

}  // namespace confab::wire
