// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/h265.h"

#include "wire/bit_io.h"
#include "wire/video/media_test_util.h"

namespace confab::wire {
namespace {

// An SPS NAL unit of 1280×720 in 4:2:0, coded as 1280×736 with 16 lines cut.
Bytes make_sps(unsigned sub_layers, std::uint32_t sub_layer_flags = 0) {
    std::array<std::uint8_t, 200> buffer{};
    BitWriter bits(buffer);
    const auto ue = [&](std::uint32_t value) {
        const unsigned width = static_cast<unsigned>(std::bit_width(value + 1));
        bits.bits(0, width - 1);
        bits.bits(value + 1, width);
    };
    bits.bits(0x4201, 16);
    bits.bits(0, 4);
    bits.bits(sub_layers, 3);
    bits.flag(true);
    for (int i = 0; i < 12; ++i)
        bits.bits(0xA5, 8);  // profile, tier, level
    if (sub_layers > 0) bits.bits(sub_layer_flags, 16);
    for (unsigned i = 0; i < sub_layers; ++i) {
        if ((sub_layer_flags >> (15 - 2 * i) & 1) != 0)
            for (int k = 0; k < 11; ++k)
                bits.bits(0x5A, 8);
        if ((sub_layer_flags >> (14 - 2 * i) & 1) != 0) bits.bits(0x77, 8);
    }
    ue(0);
    ue(1);
    ue(1280);
    ue(736);
    bits.flag(true);
    for (const std::uint32_t cut : {0U, 0U, 0U, 8U})
        ue(cut);
    bits.bits(0xFF, 8);
    return Bytes(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(bits.bytes_used()));
}

TEST_CASE("h265_sps_size: with and without sub-layers") {
    CHECK(h265_sps_size(make_sps(0)) == FrameSize{1280, 720});
    CHECK(h265_sps_size(make_sps(2, 0xF000)) == FrameSize{1280, 720});
    CHECK(h265_sps_size(make_sps(2, 0x9000)) == FrameSize{1280, 720});
    CHECK_FALSE(h265_sps_size(hex("4401c0")).has_value());
}

TEST_CASE("parse_h265: SPS or PPS make a key frame, alone, in AP and in FU") {
    const auto sps = parse_h265(make_sps(0));
    REQUIRE(sps.has_value());
    CHECK(sps->key_frame);
    CHECK(sps->frame_start);
    CHECK(sps->size == FrameSize{1280, 720});
    CHECK(parse_h265(hex("4401c0"))->key_frame);
    CHECK_FALSE(parse_h265(hex("400101"))->key_frame);  // VPS
    CHECK_FALSE(parse_h265(hex("2601a0"))->key_frame);  // IDR slice
    CHECK(parse_h265(hex("2601a0"))->frame_start);
    CHECK_FALSE(parse_h265(hex("260120"))->frame_start);
    const Bytes unit = make_sps(0);
    Bytes ap = hex("60010003400101");
    ap.push_back(0);
    ap.push_back(static_cast<std::uint8_t>(unit.size()));
    ap.insert(ap.end(), unit.begin(), unit.end());
    const auto aggregate = parse_h265(ap);
    REQUIRE(aggregate.has_value());
    CHECK(aggregate->key_frame);
    CHECK(aggregate->first_nal_type == 32);
    CHECK(aggregate->size == FrameSize{1280, 720});
    CHECK(parse_h265(hex("6201a142"))->key_frame);        // FU start of 33
    CHECK_FALSE(parse_h265(hex("62012142"))->key_frame);  // middle of 33
    CHECK(parse_h265(hex("62016142"))->ends_nal);
    CHECK(parse_h265(hex("620193"
                         "80"))
              ->frame_start);  // FU start of an IDR slice
}

TEST_CASE("parse_h265: temporal id of the NAL header") {
    CHECK(parse_h265(hex("020180"))->temporal_id == 0);
    CHECK(parse_h265(hex("020380"))->temporal_id == 2);
    CHECK(parse_h265(hex("020080")).error() == ParseError::kMalformed);
}

TEST_CASE("parse_h265: sizes beyond the packet are refused [IMM-7]") {
    CHECK(parse_h265(hex("6001"
                         "0004"
                         "400101"))
              .error() == ParseError::kLength);
    CHECK(parse_h265(hex("6001"
                         "0001"
                         "40"))
              .error() == ParseError::kLength);
    CHECK(parse_h265(hex("6001"
                         "0003"
                         "400101"
                         "00"))
              .error() == ParseError::kLength);
    CHECK(parse_h265(hex("6001")).error() == ParseError::kTruncated);
    CHECK(parse_h265(hex("6201")).error() == ParseError::kTruncated);
    CHECK(parse_h265(hex("60")).error() == ParseError::kTruncated);
    CHECK(parse_h265(hex("6401")).error() == ParseError::kType);
    const Bytes sps = make_sps(2, 0xF000);
    for_each_prefix(sps, [](BytesView prefix) {
        (void)parse_h265(prefix);
        (void)h265_sps_size(prefix);
    });
    CHECK_FALSE(h265_sps_size(BytesView(sps).first(30)).has_value());
}

}  // namespace
}  // namespace confab::wire
