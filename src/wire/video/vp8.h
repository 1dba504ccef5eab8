// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// VP8 payload descriptor (RFC 7741 §4.2), parsed for layer selection and written again by the
// munger, which changes picture id, TL0PICIDX and KEYIDX. The one-byte form (X=0) that Chromium
// sends next to a dependency descriptor (02 IN-25) has none of the optional fields.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/parse_error.h"

namespace confab::wire {

inline constexpr std::size_t kMaxVp8DescriptorSize = 6;

struct Vp8Descriptor {
    bool extended = false;            // X
    bool non_reference = false;       // N
    bool start_of_partition = false;  // S
    bool has_picture_id = false;      // I
    bool picture_id_15bit = false;    // M
    bool has_tl0_pic_idx = false;     // L
    bool has_tid = false;             // T: TID and Y are meaningful
    bool has_key_idx = false;         // K
    bool layer_sync = false;          // Y
    bool key_frame = false;           // S=1, PID=0 and P=0 in the VP8 payload header (02 §3.2)
    std::uint8_t partition_id = 0;    // PID, 0–7
    std::uint8_t temporal_id = 0;     // TID, 0–3
    std::uint8_t key_idx = 0;         // KEYIDX, 0–31
    std::uint8_t tl0_pic_idx = 0;
    std::uint8_t size = 0;         // bytes of the descriptor itself
    std::uint16_t picture_id = 0;  // 7 or 15 bits

    bool frame_start() const { return start_of_partition && partition_id == 0; }
    bool operator==(const Vp8Descriptor&) const = default;
};

// `payload` is the RTP payload without padding. A descriptor with nothing behind it is accepted.
Result<Vp8Descriptor, ParseError> parse_vp8(BytesView payload);

// Bytes that write_vp8_descriptor() will take for these flags.
std::size_t vp8_descriptor_size(const Vp8Descriptor& descriptor);

// The descriptor as written, in the first `size` of the bytes.
struct PackedVp8Descriptor {
    std::array<std::uint8_t, 8> bytes;
    std::uint8_t size;
};
PackedVp8Descriptor pack_vp8_descriptor(const Vp8Descriptor& descriptor);

// Of the fields that all packets of a picture share; where its first packet is, and partitions, may
// differ.
bool same_vp8_picture(const Vp8Descriptor& a, const Vp8Descriptor& b);
// The octet before the optional fields.
std::uint8_t vp8_first_octet(const Vp8Descriptor& descriptor);

// Writes the descriptor; false (nothing usable written) when the writer has no room. The fields
// `size` and `key_frame` are ignored; values are masked to their width.
bool write_vp8_descriptor(ByteWriter& out, const Vp8Descriptor& descriptor);

// Picture size from the first packet of a key frame (RFC 6386 §9.1); `frame` starts behind the
// descriptor. nullopt when the start code is missing or the packet is too short.
std::optional<FrameSize> vp8_key_frame_size(BytesView frame);

}  // namespace confab::wire
