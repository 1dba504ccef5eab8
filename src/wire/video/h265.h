// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// H.265 RTP payloads (RFC 7798 §4.4): key-frame detection by the rule of 02 §3.2 (VPS 32, SPS 33
// and PPS 34 go together; 33 or 34 decides), temporal id from the NAL header.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/parse_error.h"

namespace confab::wire {

struct H265Payload {
    bool key_frame = false;
    bool starts_nal = false;  // false inside a fragmentation unit
    bool ends_nal = false;
    bool frame_start =
        false;  // parameter set, AUD, or a slice with first_slice_segment_in_pic_flag
    std::uint8_t first_nal_type = 0;  // 0–63, of the first NAL even in aggregates and fragments
    std::uint8_t temporal_id = 0;     // nuh_temporal_id_plus1 − 1
    FrameSize size;                   // from a complete SPS in this packet

    bool operator==(const H265Payload&) const = default;
};

// Single NAL units, aggregation packets (48) and fragmentation units (49), without DONL fields.
Result<H265Payload, ParseError> parse_h265(BytesView payload);

// The cropped picture size of an SPS NAL unit with its 2-byte header (ITU-T H.265 §7.3.2.2).
std::optional<FrameSize> h265_sps_size(BytesView nal);

}  // namespace confab::wire
