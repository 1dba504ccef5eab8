// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Picture size from the sequence parameter set, ITU-T H.264 §7.3.2.1.1 and §7.4.2.1.1.
#include <algorithm>

#include "wire/bit_io.h"
#include "wire/video/h264.h"
#include "wire/video/rbsp.h"

namespace confab::wire {
namespace {

constexpr std::uint8_t kSpsType = 7;
constexpr std::uint32_t kMaxPocCycle = 255;
constexpr std::uint32_t kMaxMacroblocks = 0xFFFF;

bool has_chroma_fields(std::uint32_t profile) {
    constexpr std::array<std::uint8_t, 13> kProfiles{100, 110, 122, 244, 44,  83, 86,
                                                     118, 128, 138, 139, 134, 135};
    return std::find(kProfiles.begin(), kProfiles.end(), profile) != kProfiles.end();
}

void skip_scaling_list(BitReader& reader, unsigned size) {
    std::int64_t last = 8;
    std::int64_t next = 8;
    for (unsigned i = 0; i < size && reader.ok(); ++i) {
        if (next != 0) next = (last + reader.signed_exp_golomb() + 256) % 256;
        if (next != 0) last = next;
    }
}

// Gives ChromaArrayType.
std::uint32_t parse_chroma(BitReader& reader) {
    const std::uint32_t format = reader.exp_golomb();
    const bool separate_planes = format == 3 && reader.flag();
    reader.exp_golomb();  // bit_depth_luma_minus8
    reader.exp_golomb();  // bit_depth_chroma_minus8
    reader.skip(1);       // qpprime_y_zero_transform_bypass_flag
    if (reader.flag()) {
        const unsigned lists = format == 3 ? 12 : 8;
        for (unsigned i = 0; i < lists; ++i)
            if (reader.flag()) skip_scaling_list(reader, i < 6 ? 16 : 64);
    }
    return separate_planes ? 0 : format;
}

// False when the cycle is longer than the standard allows.
bool skip_picture_order(BitReader& reader) {
    const std::uint32_t type = reader.exp_golomb();
    if (type == 0) reader.exp_golomb();
    if (type != 1) return true;
    reader.skip(1);
    reader.exp_golomb();  // two signed offsets; the code length is the same
    reader.exp_golomb();
    const std::uint32_t cycle = reader.exp_golomb();
    if (cycle > kMaxPocCycle) return false;
    for (std::uint32_t i = 0; i < cycle && reader.ok(); ++i)
        reader.exp_golomb();
    return true;
}

struct Cropping {
    std::uint64_t horizontal = 0;  // in crop units
    std::uint64_t vertical = 0;
};

Cropping parse_cropping(BitReader& reader) {
    Cropping crop;
    if (!reader.flag()) return crop;
    crop.horizontal = std::uint64_t{reader.exp_golomb()};
    crop.horizontal += reader.exp_golomb();
    crop.vertical = std::uint64_t{reader.exp_golomb()};
    crop.vertical += reader.exp_golomb();
    return crop;
}

}  // namespace

std::optional<FrameSize> h264_sps_size(BytesView nal) {
    if (nal.empty() || (nal[0] & 0x1F) != kSpsType) return std::nullopt;
    const Rbsp rbsp(nal.subspan(1));
    BitReader reader(rbsp.view());
    const std::uint32_t profile = reader.bits(8);
    reader.skip(16);      // constraint flags, level
    reader.exp_golomb();  // seq_parameter_set_id
    const std::uint32_t chroma = has_chroma_fields(profile) ? parse_chroma(reader) : 1;
    reader.exp_golomb();  // log2_max_frame_num_minus4
    if (!skip_picture_order(reader)) return std::nullopt;
    reader.exp_golomb();  // max_num_ref_frames
    reader.skip(1);       // gaps_in_frame_num_value_allowed_flag
    const std::uint32_t width_mbs = reader.exp_golomb();
    const std::uint32_t height_units = reader.exp_golomb();
    const std::uint64_t fields = reader.flag() ? 1 : 2;  // map units are macroblock pairs if not
    if (fields == 2) reader.skip(1);                     // mb_adaptive_frame_field_flag
    reader.skip(1);                                      // direct_8x8_inference_flag
    const Cropping crop = parse_cropping(reader);
    if (!reader.ok() || width_mbs > kMaxMacroblocks || height_units > kMaxMacroblocks)
        return std::nullopt;

    const std::uint64_t crop_x = chroma == 1 || chroma == 2 ? 2 : 1;
    const std::uint64_t crop_y = (chroma == 1 ? 2 : 1) * fields;
    const std::uint64_t width = (width_mbs + std::uint64_t{1}) * 16;
    const std::uint64_t height = (height_units + std::uint64_t{1}) * 16 * fields;
    const std::uint64_t cut_x = crop.horizontal * crop_x;
    const std::uint64_t cut_y = crop.vertical * crop_y;
    if (cut_x >= width || cut_y >= height || width - cut_x > 0xFFFF || height - cut_y > 0xFFFF)
        return std::nullopt;
    return FrameSize{static_cast<std::uint16_t>(width - cut_x),
                     static_cast<std::uint16_t>(height - cut_y)};
}

}  // namespace confab::wire
