// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// H.264 RTP payloads (RFC 6184 §5): key-frame detection by the rule of 02 §3.2 and picture size
// from the sequence parameter set (ITU-T H.264 §7.3.2.1.1).
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/parse_error.h"

namespace confab::wire {

struct H264Payload {
    bool key_frame = false;   // carries a sequence parameter set, or the start of one
    bool idr = false;         // carries an IDR slice, or the start of one
    bool starts_nal = false;  // false inside a fragmentation unit
    bool ends_nal = false;
    // Hint: the packet begins with a NAL that opens an access unit (AUD, SEI, SPS, PPS), or with a
    // slice from macroblock 0 on.
    bool frame_start = false;
    std::uint8_t first_nal_type = 0;  // 1–23, of the first NAL even in aggregates and fragments
    FrameSize size;                   // from a complete SPS in this packet

    bool operator==(const H264Payload&) const = default;
};

// Single NAL units, STAP-A, STAP-B, MTAP16, MTAP24, FU-A and FU-B. `payload` is without padding.
Result<H264Payload, ParseError> parse_h264(BytesView payload);

// The cropped picture size of an SPS NAL unit (its header byte included, emulation prevention bytes
// still inside); nullopt when it does not parse or exceeds 65535 in a direction.
std::optional<FrameSize> h264_sps_size(BytesView nal);

}  // namespace confab::wire
