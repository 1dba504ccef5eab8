// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/vp9.h"

// RFC 9628 §4.2, flexible mode (F=1); in non-flexible mode TL0PICIDX follows the layer indices and
// there are no P_DIFFs:
//
//       0 1 2 3 4 5 6 7
//      +-+-+-+-+-+-+-+-+
//      |I|P|L|F|B|E|V|Z|   required
//      +-+-+-+-+-+-+-+-+
// I:   |M| PICTURE ID  |   recommended
//      +-+-+-+-+-+-+-+-+
// M:   | EXTENDED PID  |   recommended
//      +-+-+-+-+-+-+-+-+
// L:   | TID |U| SID |D|   conditionally recommended
//      +-+-+-+-+-+-+-+-+
//      |   TL0PICIDX   |   F=0 only
//      +-+-+-+-+-+-+-+-+
// P,F: | P_DIFF      |N|   conditionally required, up to 3 times
//      +-+-+-+-+-+-+-+-+
// V:   | SS            |
//      | ..            |
//      +-+-+-+-+-+-+-+-+
//
// Scalability structure:
//      +-+-+-+-+-+-+-+-+
// V:   | N_S |Y|G|-|-|-|
//      +-+-+-+-+-+-+-+-+
// Y:   |     WIDTH     |   16 bits each, N_S + 1 times
//      |     HEIGHT    |
//      +-+-+-+-+-+-+-+-+
// G:   |      N_G      |
//      +-+-+-+-+-+-+-+-+
// N_G: | TID |U| R |-|-|   N_G times, each with
//      +-+-+-+-+-+-+-+-+
//      |    P_DIFF     |   R times
//      +-+-+-+-+-+-+-+-+

namespace confab::wire {
namespace {

void parse_picture_id(ByteReader& reader, Vp9Descriptor& d) {
    const std::uint8_t high = reader.u8();
    d.picture_id = high & 0x7F;
    d.picture_id_15bit = (high & 0x80) != 0;
    if (d.picture_id_15bit)
        d.picture_id = static_cast<std::uint16_t>((d.picture_id << 8) | reader.u8());
}

void parse_layer_indices(ByteReader& reader, Vp9Descriptor& d) {
    const std::uint8_t layer = reader.u8();
    d.temporal_id = layer >> 5;
    d.switching_up_point = (layer & 0x10) != 0;
    d.spatial_id = (layer >> 1) & 7;
    d.inter_layer_dependency = (layer & 1) != 0;
    d.has_tl0_pic_idx = !d.flexible;
    if (d.has_tl0_pic_idx) d.tl0_pic_idx = reader.u8();
}

// False when a fourth difference is announced, which the format forbids.
bool parse_reference_diffs(ByteReader& reader, Vp9Descriptor& d) {
    bool more = true;
    while (more && reader.ok()) {
        if (d.reference_diff_count == kMaxVp9ReferenceDiffs) return false;
        const std::uint8_t diff = reader.u8();
        d.reference_diffs[d.reference_diff_count++] = diff >> 1;
        more = (diff & 1) != 0;
    }
    return true;
}

void parse_structure(ByteReader& reader, Vp9ScalabilityStructure& ss) {
    const std::uint8_t head = reader.u8();
    ss.spatial_layers = static_cast<std::uint8_t>((head >> 5) + 1);
    ss.has_sizes = (head & 0x10) != 0;
    if (ss.has_sizes) {
        for (std::size_t i = 0; i < ss.spatial_layers; ++i) {
            ss.sizes[i].width = reader.u16();
            ss.sizes[i].height = reader.u16();
        }
    }
    if ((head & 0x08) == 0) return;
    ss.pictures_in_group = reader.u8();
    for (std::size_t i = 0; i < ss.pictures_in_group && reader.ok(); ++i) {
        const std::uint8_t picture = reader.u8();
        reader.skip((picture >> 2) & 3);
    }
}

// uncompressed_header() of the VP9 bitstream §6.2: frame_marker 2 bits (10), profile_low_bit,
// profile_high_bit, a reserved bit only when the profile is 3, show_existing_frame, frame_type.
bool is_key_frame_header(std::uint8_t first) {
    if ((first >> 6) != 2) return false;
    const bool profile3 = ((first >> 4) & 3) == 3;
    const unsigned show_existing = profile3 ? 2 : 3;
    const unsigned frame_type = show_existing - 1;
    return ((first >> show_existing) & 1) == 0 && ((first >> frame_type) & 1) == 0;
}

}  // namespace

Result<Vp9Descriptor, ParseError> parse_vp9(BytesView payload, Vp9ScalabilityStructure* structure) {
    ByteReader reader(payload);
    Vp9Descriptor d;
    const std::uint8_t flags = reader.u8();
    d.has_picture_id = (flags & 0x80) != 0;
    d.inter_picture_predicted = (flags & 0x40) != 0;
    d.has_layer_indices = (flags & 0x20) != 0;
    d.flexible = (flags & 0x10) != 0;
    d.frame_start = (flags & 0x08) != 0;
    d.frame_end = (flags & 0x04) != 0;
    d.has_scalability_structure = (flags & 0x02) != 0;
    d.not_reference_for_upper = (flags & 0x01) != 0;
    if (d.has_picture_id) parse_picture_id(reader, d);
    if (d.has_layer_indices) parse_layer_indices(reader, d);
    if (d.flexible && d.inter_picture_predicted && !parse_reference_diffs(reader, d))
        return fail(ParseError::kMalformed);
    Vp9ScalabilityStructure ss;
    if (d.has_scalability_structure) parse_structure(reader, ss);
    if (!reader.ok()) return fail(ParseError::kTruncated);
    d.size = static_cast<std::uint16_t>(reader.position());
    d.key_frame = d.frame_start && !reader.at_end() && is_key_frame_header(reader.u8());
    if (structure != nullptr) *structure = ss;
    return d;
}

}  // namespace confab::wire
