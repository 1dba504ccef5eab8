// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/vp8.h"

// RFC 7741 §4.2:
//
//       0 1 2 3 4 5 6 7
//      +-+-+-+-+-+-+-+-+
//      |X|R|N|S|R| PID |   required
//      +-+-+-+-+-+-+-+-+
// X:   |I|L|T|K| RSV   |   optional
//      +-+-+-+-+-+-+-+-+
// I:   |M| PictureID   |   optional, 7 or 15 bits
//      +-+-+-+-+-+-+-+-+
//      |   PictureID   |   if M
//      +-+-+-+-+-+-+-+-+
// L:   |   TL0PICIDX   |   optional
//      +-+-+-+-+-+-+-+-+
// T/K: |TID|Y| KEYIDX  |   optional
//      +-+-+-+-+-+-+-+-+

namespace confab::wire {
namespace {

constexpr std::uint8_t kExtendedBit = 0x80;
constexpr std::uint8_t kNonReferenceBit = 0x20;
constexpr std::uint8_t kStartBit = 0x10;
constexpr std::uint8_t kPictureIdBit = 0x80;
constexpr std::uint8_t kTl0PicIdxBit = 0x40;
constexpr std::uint8_t kTidBit = 0x20;
constexpr std::uint8_t kKeyIdxBit = 0x10;
constexpr std::uint8_t kLongPictureIdBit = 0x80;
constexpr std::uint8_t kLayerSyncBit = 0x20;

void parse_extension_fields(ByteReader& reader, Vp8Descriptor& d) {
    const std::uint8_t flags = reader.u8();
    d.has_picture_id = (flags & kPictureIdBit) != 0;
    d.has_tl0_pic_idx = (flags & kTl0PicIdxBit) != 0;
    d.has_tid = (flags & kTidBit) != 0;
    d.has_key_idx = (flags & kKeyIdxBit) != 0;
    if (d.has_picture_id) {
        const std::uint8_t high = reader.u8();
        d.picture_id = high & 0x7F;
        d.picture_id_15bit = (high & kLongPictureIdBit) != 0;
        if (d.picture_id_15bit)
            d.picture_id = static_cast<std::uint16_t>((d.picture_id << 8) | reader.u8());
    }
    if (d.has_tl0_pic_idx) d.tl0_pic_idx = reader.u8();
    if (d.has_tid || d.has_key_idx) {
        const std::uint8_t layer = reader.u8();
        if (d.has_tid) {
            d.temporal_id = layer >> 6;
            d.layer_sync = (layer & kLayerSyncBit) != 0;
        }
        if (d.has_key_idx) d.key_idx = layer & 0x1F;
    }
}

std::uint8_t extension_flags(const Vp8Descriptor& d) {
    unsigned flags = 0;
    if (d.has_picture_id) flags |= kPictureIdBit;
    if (d.has_tl0_pic_idx) flags |= kTl0PicIdxBit;
    if (d.has_tid) flags |= kTidBit;
    if (d.has_key_idx) flags |= kKeyIdxBit;
    return static_cast<std::uint8_t>(flags);
}

std::uint8_t layer_byte(const Vp8Descriptor& d) {
    unsigned layer = 0;
    if (d.has_tid) {
        layer |= (d.temporal_id & 3U) << 6;
        if (d.layer_sync) layer |= kLayerSyncBit;
    }
    if (d.has_key_idx) layer |= d.key_idx & 0x1FU;
    return static_cast<std::uint8_t>(layer);
}

}  // namespace

Result<Vp8Descriptor, ParseError> parse_vp8(BytesView payload) {
    ByteReader reader(payload);
    Vp8Descriptor d;
    const std::uint8_t first = reader.u8();
    d.extended = (first & kExtendedBit) != 0;
    d.non_reference = (first & kNonReferenceBit) != 0;
    d.start_of_partition = (first & kStartBit) != 0;
    d.partition_id = first & 0x07;
    if (d.extended) parse_extension_fields(reader, d);
    if (!reader.ok()) return fail(ParseError::kTruncated);
    d.size = static_cast<std::uint8_t>(reader.position());
    // RFC 7741 §4.3: the payload header stands at the start of partition 0 only; its P bit is the
    // lowest of the first byte, 0 for key frames.
    d.key_frame = d.frame_start() && !reader.at_end() && (reader.u8() & 1) == 0;
    return d;
}

std::size_t vp8_descriptor_size(const Vp8Descriptor& d) {
    if (!d.extended) return 1;
    std::size_t size = 2;
    if (d.has_picture_id) size += d.picture_id_15bit ? 2 : 1;
    if (d.has_tl0_pic_idx) ++size;
    if (d.has_tid || d.has_key_idx) ++size;
    return size;
}

std::uint8_t vp8_first_octet(const Vp8Descriptor& d) {
    unsigned first = d.partition_id & 0x07U;
    if (d.extended) first |= kExtendedBit;
    if (d.non_reference) first |= kNonReferenceBit;
    if (d.start_of_partition) first |= kStartBit;
    return static_cast<std::uint8_t>(first);
}

// Values of fields that are not there, too: then it is only less often the same.
bool same_vp8_picture(const Vp8Descriptor& a, const Vp8Descriptor& b) {
    return a.picture_id == b.picture_id && a.extended == b.extended &&
           a.has_picture_id == b.has_picture_id && a.picture_id_15bit == b.picture_id_15bit &&
           a.has_tl0_pic_idx == b.has_tl0_pic_idx && a.has_tid == b.has_tid &&
           a.has_key_idx == b.has_key_idx && a.layer_sync == b.layer_sync &&
           a.temporal_id == b.temporal_id && a.key_idx == b.key_idx &&
           a.tl0_pic_idx == b.tl0_pic_idx;
}

// Collected in a register: a reader of the bytes that follows at once finds one store, not six.
PackedVp8Descriptor pack_vp8_descriptor(const Vp8Descriptor& d) {
    std::uint64_t all = 0;
    unsigned bits = 0;
    const auto put = [&](std::uint64_t value, unsigned count) {
        all = (all << count) | value;
        bits += count;
    };
    put(vp8_first_octet(d), 8);
    if (d.extended) {
        put(extension_flags(d), 8);
        if (d.has_picture_id) {
            if (d.picture_id_15bit)
                put(0x8000U | (d.picture_id & 0x7FFFU), 16);
            else
                put(d.picture_id & 0x7FU, 8);
        }
        if (d.has_tl0_pic_idx) put(d.tl0_pic_idx, 8);
        if (d.has_tid || d.has_key_idx) put(layer_byte(d), 8);
    }
    PackedVp8Descriptor packed;
    store_be64(packed.bytes.data(), all << (64 - bits));
    packed.size = static_cast<std::uint8_t>(bits / 8);
    return packed;
}

bool write_vp8_descriptor(ByteWriter& out, const Vp8Descriptor& d) {
    const PackedVp8Descriptor packed = pack_vp8_descriptor(d);
    out.bytes(BytesView(packed.bytes).first(packed.size));
    return out.ok();
}

// RFC 6386 §9.1: frame tag of 3 bytes, start code 9D 01 2A, then 14 bits of width and of height in
// little-endian order, each under 2 bits of scaling.
std::optional<FrameSize> vp8_key_frame_size(BytesView frame) {
    ByteReader reader(frame);
    const std::uint8_t tag = reader.u8();
    reader.skip(2);
    const std::uint32_t start_code = reader.u24();
    const BytesView size = reader.bytes(4);
    if (!reader.ok() || (tag & 1) != 0 || start_code != 0x9D012A) return std::nullopt;
    FrameSize result;
    result.width = static_cast<std::uint16_t>((size[1] << 8 | size[0]) & 0x3FFF);
    result.height = static_cast<std::uint16_t>((size[3] << 8 | size[2]) & 0x3FFF);
    return result;
}

}  // namespace confab::wire
