// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/h265.h"

#include <algorithm>

#include "wire/bit_io.h"
#include "wire/video/rbsp.h"

// RFC 7798 §1.1.4, §4.4.2, §4.4.3. Payload header (a NAL header), and the FU header behind it:
//
// +---------------+---------------+---------------+
// |0|1|2|3|4|5|6|7|0|1|2|3|4|5|6|7|0|1|2|3|4|5|6|7|
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |F|   Type    |  LayerId  | TID |S|E|  FuType   |
// +-------------+-----------------+---------------+
//
// AP (48):  header | size 16 | NAL | size 16 | NAL …
// FU (49):  header | FU header | fragment

namespace confab::wire {
namespace {

constexpr std::size_t kHeaderSize = 2;
constexpr std::uint8_t kLastSliceType = 31;
constexpr std::uint8_t kVps = 32;
constexpr std::uint8_t kSps = 33;
constexpr std::uint8_t kPps = 34;
constexpr std::uint8_t kDelimiter = 35;
constexpr std::uint8_t kPrefixSei = 39;
constexpr std::uint8_t kAggregation = 48;
constexpr std::uint8_t kFragmentation = 49;

std::uint8_t nal_type(BytesView nal) {
    return (nal[0] >> 1) & 0x3F;
}

// first_slice_segment_in_pic_flag is the first bit of a slice segment header.
bool opens_picture(std::uint8_t type, BytesView behind_header) {
    if (type <= kLastSliceType) return !behind_header.empty() && (behind_header[0] & 0x80) != 0;
    return (type >= kVps && type <= kDelimiter) || type == kPrefixSei;
}

void note_nal(H265Payload& out, std::uint8_t type, BytesView behind_header, bool first) {
    if (first) {
        out.first_nal_type = type;
        out.frame_start = opens_picture(type, behind_header);
    }
    if (type == kSps || type == kPps) out.key_frame = true;
}

void note_complete_nal(H265Payload& out, BytesView nal, bool first) {
    note_nal(out, nal_type(nal), nal.subspan(kHeaderSize), first);
    if (nal_type(nal) != kSps) return;
    if (const auto size = h265_sps_size(nal)) out.size = *size;
}

Result<void, ParseError> parse_aggregate(H265Payload& out, BytesView units) {
    ByteReader reader(units);
    if (reader.at_end()) return fail(ParseError::kTruncated);
    bool first = true;
    while (!reader.at_end()) {
        const std::uint16_t size = reader.u16();
        const BytesView nal = reader.bytes(size);
        if (!reader.ok() || nal.size() < kHeaderSize) return fail(ParseError::kLength);
        note_complete_nal(out, nal, first);
        first = false;
    }
    out.starts_nal = true;
    out.ends_nal = true;
    return {};
}

Result<void, ParseError> parse_fragment(H265Payload& out, BytesView behind_header) {
    if (behind_header.empty()) return fail(ParseError::kTruncated);
    const std::uint8_t fu = behind_header[0];
    out.starts_nal = (fu & 0x80) != 0;
    out.ends_nal = (fu & 0x40) != 0;
    out.first_nal_type = fu & 0x3F;
    if (out.starts_nal) note_nal(out, out.first_nal_type, behind_header.subspan(1), true);
    return {};
}

// profile_tier_level(1, n), §7.3.3: 88 bits of profile and 8 of level for the whole stream, then
// for each sub-layer that announces them.
void skip_profile_tier_level(BitReader& reader, unsigned sub_layers) {
    constexpr std::size_t kProfileBits = 88;
    constexpr std::size_t kLevelBits = 8;
    reader.skip(kProfileBits + kLevelBits);
    if (sub_layers == 0) return;
    const std::uint32_t present = reader.bits(16);  // two flags each, up to 8 sub-layers
    for (unsigned i = 0; i < sub_layers; ++i) {
        const std::uint32_t flags = present >> (14 - 2 * i);
        if ((flags & 2) != 0) reader.skip(kProfileBits);
        if ((flags & 1) != 0) reader.skip(kLevelBits);
    }
}

}  // namespace

Result<H265Payload, ParseError> parse_h265(BytesView payload) {
    if (payload.size() < kHeaderSize) return fail(ParseError::kTruncated);
    const std::uint8_t temporal_plus1 = payload[1] & 7;
    if (temporal_plus1 == 0) return fail(ParseError::kMalformed);
    H265Payload out;
    out.temporal_id = static_cast<std::uint8_t>(temporal_plus1 - 1);
    const std::uint8_t type = nal_type(payload);
    const BytesView behind_header = payload.subspan(kHeaderSize);
    if (type == kAggregation) {
        CONFAB_TRY_VOID(parse_aggregate(out, behind_header));
    } else if (type == kFragmentation) {
        CONFAB_TRY_VOID(parse_fragment(out, behind_header));
    } else if (type > kFragmentation) {
        return fail(ParseError::kType);
    } else {
        out.starts_nal = true;
        out.ends_nal = true;
        note_complete_nal(out, payload, true);
    }
    return out;
}

std::optional<FrameSize> h265_sps_size(BytesView nal) {
    if (nal.size() < kHeaderSize || nal_type(nal) != kSps) return std::nullopt;
    const Rbsp rbsp(nal.subspan(kHeaderSize));
    BitReader reader(rbsp.view());
    reader.skip(4);  // sps_video_parameter_set_id
    const unsigned sub_layers = reader.bits(3);
    reader.skip(1);  // sps_temporal_id_nesting_flag
    skip_profile_tier_level(reader, sub_layers);
    reader.exp_golomb();  // sps_seq_parameter_set_id
    const std::uint32_t chroma = reader.exp_golomb();
    if (chroma == 3) reader.skip(1);  // separate_colour_plane_flag
    const std::uint64_t width = reader.exp_golomb();
    const std::uint64_t height = reader.exp_golomb();
    std::uint64_t cut_x = 0;
    std::uint64_t cut_y = 0;
    if (reader.flag()) {  // conformance_window_flag
        cut_x = reader.exp_golomb();
        cut_x += reader.exp_golomb();
        cut_y = reader.exp_golomb();
        cut_y += reader.exp_golomb();
    }
    cut_x *= chroma == 1 || chroma == 2 ? 2 : 1;
    cut_y *= chroma == 1 ? 2 : 1;
    if (!reader.ok() || cut_x >= width || cut_y >= height || width - cut_x > 0xFFFF ||
        height - cut_y > 0xFFFF)
        return std::nullopt;
    return FrameSize{static_cast<std::uint16_t>(width - cut_x),
                     static_cast<std::uint16_t>(height - cut_y)};
}

}  // namespace confab::wire
