// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/h264.h"

#include "wire/bit_io.h"
#include "wire/video/media_test_util.h"

namespace confab::wire {
namespace {

// STAP-A of a Chromium key frame: SPS of 640×360 (19 bytes) and PPS.
constexpr std::string_view kStapA = "7800136742c0168c8d405017bcb37010d01078442350000468ce3c80";

TEST_CASE("parse_h264: STAP-A with SPS is a key frame and has a size [IN-25]") {
    const auto p = parse_h264(hex(kStapA));
    REQUIRE(p.has_value());
    CHECK(p->key_frame);
    CHECK_FALSE(p->idr);
    CHECK(p->frame_start);
    CHECK(p->starts_nal);
    CHECK(p->ends_nal);
    CHECK(p->first_nal_type == 7);
    CHECK(p->size == FrameSize{640, 360});
    CHECK(parse_h264(hex("7800136742c00d8c8d40a0cbcf37010d010784423500000468ce3c80"))->size ==
          FrameSize{320, 180});
}

TEST_CASE("parse_h264: FU-A start, middle and end") {
    const auto start = parse_h264(hex("7c85b80004000008e1"));
    REQUIRE(start.has_value());
    CHECK(start->idr);
    CHECK_FALSE(start->key_frame);  // an IDR slice without SPS is none by the rule
    CHECK(start->first_nal_type == 5);
    CHECK(start->starts_nal);
    CHECK_FALSE(start->ends_nal);
    CHECK(start->frame_start);
    const auto middle = parse_h264(hex("7c05e166"));
    CHECK_FALSE(middle->starts_nal);
    CHECK_FALSE(middle->idr);
    CHECK_FALSE(middle->frame_start);
    CHECK(parse_h264(hex("7c455449"))->ends_nal);
    CHECK(parse_h264(hex("7c8767"))->key_frame);        // FU-A that starts an SPS
    CHECK_FALSE(parse_h264(hex("7c0767"))->key_frame);  // and its continuation
    CHECK(parse_h264(hex("7d870001"
                         "67"))
              ->key_frame);  // FU-B
    CHECK(parse_h264(hex("7d8700")).error() == ParseError::kTruncated);
}

TEST_CASE("parse_h264: single NAL units, STAP-B, MTAP16 and MTAP24") {
    CHECK(parse_h264(hex("6742c00ada7e2221"))->key_frame);
    CHECK(parse_h264(hex("6742c00ada7e2221"))->size == FrameSize{2, 2});
    CHECK(parse_h264(hex("419a"))->frame_start);
    CHECK_FALSE(parse_h264(hex("411a"))->frame_start);
    CHECK_FALSE(parse_h264(hex("41"))->frame_start);
    const std::string sps = "00086742c00ada7e2221";
    CHECK(parse_h264(hex("790001" + sps))->size == FrameSize{2, 2});
    CHECK(parse_h264(hex("7a0001"
                         "0008"
                         "00"
                         "0000"
                         "6742c00ada7e2221"))
              ->size == FrameSize{2, 2});
    const auto mtap24 =
        parse_h264(hex("7b0001"
                       "0002"
                       "00"
                       "000000"
                       "0910"
                       "0002"
                       "01"
                       "000000"
                       "6588"));
    REQUIRE(mtap24.has_value());
    CHECK(mtap24->first_nal_type == 9);
    CHECK(mtap24->idr);
}

TEST_CASE("parse_h264: sizes in aggregates beyond the packet are refused [IMM-7]") {
    CHECK(parse_h264(hex("78"
                         "0009"
                         "6742c00ada7e2221"))
              .error() == ParseError::kLength);
    CHECK(parse_h264(hex("78"
                         "ffff"
                         "67"))
              .error() == ParseError::kLength);
    CHECK(parse_h264(hex("78"
                         "0001"
                         "67"
                         "00"))
              .error() == ParseError::kLength);
    CHECK(parse_h264(hex("78"
                         "0000"))
              .error() == ParseError::kLength);
    CHECK(parse_h264(hex("78")).error() == ParseError::kTruncated);
    CHECK(parse_h264(hex("7a00")).error() == ParseError::kTruncated);
    CHECK(parse_h264(hex("7c")).error() == ParseError::kTruncated);
    CHECK(parse_h264({}).error() == ParseError::kTruncated);
    CHECK(parse_h264(hex("60")).error() == ParseError::kType);
    CHECK(parse_h264(hex("7e00")).error() == ParseError::kType);
    CHECK(parse_h264(hex("7f00")).error() == ParseError::kType);
}

TEST_CASE("parse_h264: truncation at every length [IMM-7]") {
    for (const std::string_view text : {kStapA, std::string_view("7a0001"
                                                                 "000800000067"
                                                                 "42c00ada7e2221")}) {
        const Bytes bytes = hex(text);
        for_each_prefix(bytes, [](BytesView prefix) { (void)parse_h264(prefix); });
    }
    const Bytes sps = hex("6742c0168c8d405017bcb37010d01078442350");
    std::size_t known = 0;
    for_each_prefix(sps, [&](BytesView prefix) {
        if (h264_sps_size(prefix)) ++known;
    });
    CHECK(known > 0);  // the size stands before the VUI
    CHECK(known < sps.size() - 6);
}

TEST_CASE("h264_sps_size: high profile with chroma format and scaling lists") {
    // A bit at a time: profile 100, id 0, 4:2:0, 8 bits, scaling matrix with the first list
    // present and ended at once, then frame num, order type 0, 1 reference, 120×68 units of
    // 16 pixels, cropping of 4 lines at the bottom.
    std::array<std::uint8_t, 64> buffer{};
    BitWriter bits(buffer);
    const auto ue = [&](std::uint32_t value) {
        const unsigned width = static_cast<unsigned>(std::bit_width(value + 1));
        bits.bits(0, width - 1);
        bits.bits(value + 1, width);
    };
    bits.bits(0x67, 8);
    bits.bits(100, 8);
    bits.bits(0, 8);
    bits.bits(40, 8);
    ue(0);
    ue(1);
    ue(0);
    ue(0);
    bits.flag(false);
    bits.flag(true);
    bits.flag(true);
    ue(16);  // −8: the next scale is 0, the list ends
    for (int i = 0; i < 7; ++i)
        bits.flag(false);
    ue(0);
    ue(0);
    ue(2);
    ue(1);
    bits.flag(false);
    ue(119);
    ue(67);
    bits.flag(true);
    bits.flag(true);
    bits.flag(true);
    for (const std::uint32_t crop : {0U, 0U, 0U, 4U})
        ue(crop);
    bits.flag(false);
    bits.flag(true);
    // Emulation prevention is put in as a sender does.
    Bytes nal;
    unsigned zeros = 0;
    for (std::size_t i = 0; i < bits.bytes_used(); ++i) {
        if (zeros >= 2 && buffer[i] <= 3) {
            nal.push_back(3);
            zeros = 0;
        }
        nal.push_back(buffer[i]);
        zeros = buffer[i] == 0 ? zeros + 1 : 0;
    }
    CHECK(h264_sps_size(nal) == FrameSize{1920, 1080});
}

TEST_CASE("h264_sps_size: nonsense gives nothing [IMM-7]") {
    CHECK_FALSE(h264_sps_size({}).has_value());
    CHECK_FALSE(h264_sps_size(hex("68ce3880")).has_value());
    Bytes ones(3'000, 0xFF);
    ones[0] = 0x67;
    CHECK(h264_sps_size(ones).value_or(FrameSize{1, 1}).known());  // longer than the buffer
    Rng rng(9);
    for (int round = 0; round < 5'000; ++round) {
        Bytes bytes = random_bytes(rng, 60);
        bytes.insert(bytes.begin(), 0x67);
        if (const auto size = h264_sps_size(bytes)) CHECK(size->known());
    }
}

}  // namespace
}  // namespace confab::wire
