// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/av1.h"

#include <algorithm>

#include "wire/bit_io.h"

// AV1 RTP payload specification §4.4, aggregation header, and AV1 specification §5.3.2, OBU header:
//
//  0 1 2 3 4 5 6 7          0 1 2 3 4 5 6 7
// +-+-+-+-+-+-+-+-+        +-+-+-+-+-+-+-+-+
// |Z|Y| W |N|-|-|-|        |F| type  |X|S|-|   X: extension byte follows, S: leb128 size follows
// +-+-+-+-+-+-+-+-+        +-+-+-+-+-+-+-+-+
//
// W=0: every element has a leb128 length; W=1–3: there are W elements, all but the last with one.

namespace confab::wire {
namespace {

constexpr std::uint8_t kSequenceHeader = 1;
constexpr std::uint8_t kFrameHeader = 3;
constexpr std::uint8_t kFrame = 6;
constexpr std::size_t kMaxLebBytes = 8;

struct Obu {
    std::uint8_t type = 0;
    BytesView body;
};

// Takes the OBU header off an element; nullopt when it is cut short.
std::optional<Obu> open_obu(BytesView element) {
    ByteReader reader(element);
    const std::uint8_t head = reader.u8();
    if ((head & 0x04) != 0) reader.skip(1);
    if (!reader.ok()) return std::nullopt;
    BytesView rest = reader.rest();
    if ((head & 0x02) != 0) {
        const auto size = read_leb128(rest);
        if (!size) return std::nullopt;
        // An OBU that goes on in the next packet is longer than its element.
        rest = rest.first(std::min<std::size_t>(*size, rest.size()));
    }
    return Obu{static_cast<std::uint8_t>((head >> 3) & 0x0F), rest};
}

// uncompressed_header() §5.9.2: show_existing_frame 1 bit, frame_type 2 bits (0 is a key frame);
// with reduced_still_picture_header neither is there and every frame is a key frame.
bool is_key_frame_header(BytesView body, bool reduced_still) {
    if (body.empty()) return false;
    return reduced_still || (body[0] & 0xE0) == 0;
}

// Next element of the packet; `last_without_size` for the W-th one.
std::optional<BytesView> take_element(BytesView& rest, bool last_without_size) {
    std::size_t size = rest.size();
    if (!last_without_size) {
        const auto announced = read_leb128(rest);
        if (!announced || *announced > rest.size()) return std::nullopt;
        size = *announced;
    }
    const BytesView element = rest.first(size);
    rest = rest.subspan(size);
    return element;
}

class KeyFrameFinder {
  public:
    explicit KeyFrameFinder(Av1Payload& out) : out_(out) {}

    void see(const Obu& obu, bool first) {
        if (obu.type == kSequenceHeader) {
            out_.has_sequence_header = true;
            reduced_still_ = !obu.body.empty() && (obu.body[0] & 0x08) != 0;
            if (first) starts_with_sequence_ = !out_.continues_obu && out_.new_coded_sequence;
            if (const auto size = av1_sequence_size(obu.body)) out_.size = *size;
        } else if ((obu.type == kFrame || obu.type == kFrameHeader) && starts_with_sequence_) {
            out_.key_frame = out_.key_frame || is_key_frame_header(obu.body, reduced_still_);
        }
    }

  private:
    Av1Payload& out_;
    bool starts_with_sequence_ = false;
    bool reduced_still_ = false;
};

// timing_info() and decoder_model_info(); gives the length of buffer delays, 0 without a model.
unsigned skip_timing(BitReader& reader) {
    if (!reader.flag()) return 0;
    reader.skip(64);
    if (reader.flag()) reader.exp_golomb();  // uvlc() has the form of ue(v)
    if (!reader.flag()) return 0;
    const unsigned delay_bits = reader.bits(5) + 1;
    reader.skip(32 + 5 + 5);
    return delay_bits;
}

void skip_operating_points(BitReader& reader, unsigned delay_bits) {
    const bool display_delay = reader.flag();
    const unsigned count = reader.bits(5) + 1;
    for (unsigned i = 0; i < count && reader.ok(); ++i) {
        reader.skip(12);                         // operating_point_idc
        if (reader.bits(5) > 7) reader.skip(1);  // seq_level_idx, seq_tier
        if (delay_bits > 0 && reader.flag()) reader.skip(std::size_t{2} * delay_bits + 1);
        if (display_delay && reader.flag()) reader.skip(4);
    }
}

}  // namespace

std::optional<std::uint32_t> read_leb128(BytesView& rest) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kMaxLebBytes && i < rest.size(); ++i) {
        value |= std::uint64_t{rest[i] & 0x7FU} << (7 * i);
        if ((rest[i] & 0x80) != 0) continue;
        if (value > 0xFFFFFFFF) return std::nullopt;
        rest = rest.subspan(i + 1);
        return static_cast<std::uint32_t>(value);
    }
    return std::nullopt;
}

Result<Av1Payload, ParseError> parse_av1(BytesView payload) {
    if (payload.size() < 2) return fail(ParseError::kTruncated);
    Av1Payload out;
    const std::uint8_t head = payload[0];
    out.continues_obu = (head & 0x80) != 0;
    out.continued_in_next = (head & 0x40) != 0;
    const unsigned announced = (head >> 4) & 3;
    out.new_coded_sequence = (head & 0x08) != 0;
    // §4.4: a packet that begins a coded video sequence cannot continue an OBU.
    if (out.continues_obu && out.new_coded_sequence) return fail(ParseError::kMalformed);

    KeyFrameFinder finder(out);
    BytesView rest = payload.subspan(1);
    while (!rest.empty()) {
        if (out.element_count == kMaxAv1Elements) return fail(ParseError::kLimit);
        const bool last = announced != 0 && out.element_count + 1U == announced;
        const auto element = take_element(rest, last);
        if (!element) return fail(ParseError::kLength);
        const bool first = out.element_count == 0;
        ++out.element_count;
        if (first && out.continues_obu) continue;
        if (const auto obu = open_obu(*element)) finder.see(*obu, first);
    }
    if (announced != 0 && out.element_count != announced) return fail(ParseError::kLength);
    return out;
}

// sequence_header_obu(), AV1 specification §5.5.1.
std::optional<FrameSize> av1_sequence_size(BytesView sequence_header) {
    BitReader reader(sequence_header);
    reader.skip(4);  // seq_profile, still_picture
    if (reader.flag()) {
        reader.skip(5);  // seq_level_idx of a reduced still picture
    } else {
        const unsigned delay_bits = skip_timing(reader);
        skip_operating_points(reader, delay_bits);
    }
    const unsigned width_bits = reader.bits(4) + 1;
    const unsigned height_bits = reader.bits(4) + 1;
    const std::uint32_t width = reader.bits(width_bits) + 1;
    const std::uint32_t height = reader.bits(height_bits) + 1;
    if (!reader.ok() || width > 0xFFFF || height > 0xFFFF) return std::nullopt;
    return FrameSize{static_cast<std::uint16_t>(width), static_cast<std::uint16_t>(height)};
}

}  // namespace confab::wire
