// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// AV1 RTP payloads (AV1 RTP payload specification 1.0 §4): aggregation header, OBU elements and
// the key-frame rule of 02 §3.2.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/parse_error.h"

namespace confab::wire {

// Elements that one packet may carry; real ones have a handful.
inline constexpr std::size_t kMaxAv1Elements = 64;

struct Av1Payload {
    bool continues_obu = false;       // Z: the first element continues the last packet's OBU
    bool continued_in_next = false;   // Y
    bool new_coded_sequence = false;  // N
    bool has_sequence_header = false;
    bool key_frame = false;
    std::uint8_t element_count = 0;
    FrameSize size;  // maximum frame size of the sequence header

    bool operator==(const Av1Payload&) const = default;
};

Result<Av1Payload, ParseError> parse_av1(BytesView payload);

// leb128() of the AV1 specification §4.10.5, at most 8 bytes and 32 bits of value; removes it from
// `rest`.
std::optional<std::uint32_t> read_leb128(BytesView& rest);

// max_frame_width/height of a sequence_header_obu() (behind the OBU header).
std::optional<FrameSize> av1_sequence_size(BytesView sequence_header);

}  // namespace confab::wire
