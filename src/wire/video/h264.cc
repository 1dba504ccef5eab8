// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/h264.h"

// RFC 6184 §5.3 to §5.8. NAL header, and the FU header that follows it in fragments:
//
// +---------------+---------------+
// |0|1|2|3|4|5|6|7|0|1|2|3|4|5|6|7|
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |F|NRI|  Type   |S|E|R|  Type   |
// +---------------+---------------+
//
// STAP-A (24):  header | size 16 | NAL | size 16 | NAL …
// STAP-B (25):  header | DON 16 | size 16 | NAL …
// MTAP16 (26):  header | DONB 16 | size 16 | DOND 8 | TS offset 16 | NAL …
// MTAP24 (27):  the same with a TS offset of 24 bits
// FU-A (28):    header | FU header | fragment
// FU-B (29):    header | FU header | DON 16 | fragment

namespace confab::wire {
namespace {

enum NalType : std::uint8_t {
    kSlice = 1,
    kPartitionA = 2,
    kIdrSlice = 5,
    kSei = 6,
    kSps = 7,
    kPps = 8,
    kDelimiter = 9,
    kStapA = 24,
    kStapB = 25,
    kMtap16 = 26,
    kMtap24 = 27,
    kFuA = 28,
    kFuB = 29,
};

// first_mb_in_slice is the first field of a slice header; ue(v) writes 0 as a single bit 1.
bool opens_picture(std::uint8_t type, BytesView behind_header) {
    switch (type) {
        case kSei:
        case kSps:
        case kPps:
        case kDelimiter:
            return true;
        case kSlice:
        case kPartitionA:
        case kIdrSlice:
            return !behind_header.empty() && (behind_header[0] & 0x80) != 0;
        default:
            return false;
    }
}

// A NAL type seen at its start, with the bytes behind the NAL header.
void note_nal(H264Payload& out, std::uint8_t type, BytesView behind_header) {
    if (out.first_nal_type == 0) {
        out.first_nal_type = type;
        out.frame_start = opens_picture(type, behind_header);
    }
    if (type == kSps) out.key_frame = true;
    if (type == kIdrSlice) out.idr = true;
}

void note_complete_nal(H264Payload& out, BytesView nal) {
    const std::uint8_t type = nal[0] & 0x1F;
    note_nal(out, type, nal.subspan(1));
    if (type != kSps) return;
    if (const auto size = h264_sps_size(nal)) out.size = *size;
}

Result<void, ParseError> parse_aggregate(H264Payload& out, ByteReader reader,
                                         std::size_t bytes_before_nal) {
    if (reader.at_end()) return fail(ParseError::kTruncated);
    while (!reader.at_end()) {
        const std::uint16_t size = reader.u16();
        reader.skip(bytes_before_nal);
        const BytesView nal = reader.bytes(size);
        if (!reader.ok() || nal.empty()) return fail(ParseError::kLength);
        note_complete_nal(out, nal);
    }
    out.starts_nal = true;
    out.ends_nal = true;
    return {};
}

Result<void, ParseError> parse_fragment(H264Payload& out, ByteReader reader, bool with_don) {
    const std::uint8_t fu = reader.u8();
    if (with_don) reader.skip(2);
    if (!reader.ok()) return fail(ParseError::kTruncated);
    out.starts_nal = (fu & 0x80) != 0;
    out.ends_nal = (fu & 0x40) != 0;
    const std::uint8_t type = fu & 0x1F;
    if (out.starts_nal)
        note_nal(out, type, reader.rest());
    else
        out.first_nal_type = type;
    return {};
}

}  // namespace

Result<H264Payload, ParseError> parse_h264(BytesView payload) {
    if (payload.empty()) return fail(ParseError::kTruncated);
    H264Payload out;
    const std::uint8_t type = payload[0] & 0x1F;
    ByteReader reader(payload.subspan(1));
    if (type == kStapB || type == kMtap16 || type == kMtap24) reader.skip(2);
    Result<void, ParseError> result;
    switch (type) {
        case kStapA:
        case kStapB:
            result = parse_aggregate(out, reader, 0);
            break;
        case kMtap16:
            result = parse_aggregate(out, reader, 3);
            break;
        case kMtap24:
            result = parse_aggregate(out, reader, 4);
            break;
        case kFuA:
        case kFuB:
            result = parse_fragment(out, reader, type == kFuB);
            break;
        case 0:
        case 30:
        case 31:
            return fail(ParseError::kType);
        default:
            out.starts_nal = true;
            out.ends_nal = true;
            note_complete_nal(out, payload);
            break;
    }
    if (!result) return fail(result.error());
    return out;
}

}  // namespace confab::wire
