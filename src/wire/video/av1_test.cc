// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/av1.h"

#include "wire/video/media_test_util.h"

namespace confab::wire {
namespace {

// First packet of a Chromium L3T3_KEY key frame of 960×540, as far as the frame header.
constexpr std::string_view kKeyFrame =
    "681c08008707238191c04860e430321809041c8206410124cf7f0d8034013400127790f03bf021b4c6028a28";

TEST_CASE("parse_av1: sequence header and key frame in one packet [IN-26]") {
    const auto p = parse_av1(hex(kKeyFrame));
    REQUIRE(p.has_value());
    CHECK_FALSE(p->continues_obu);
    CHECK(p->continued_in_next);
    CHECK(p->new_coded_sequence);
    CHECK(p->element_count == 2);
    CHECK(p->has_sequence_header);
    CHECK(p->key_frame);
    CHECK(p->size == FrameSize{960, 540});
}

TEST_CASE("parse_av1: packets that are no key frame") {
    const auto key = [](std::string_view text) { return parse_av1(hex(text))->key_frame; };
    CHECK_FALSE(key("90d813ee826418c8"));    // continues an OBU
    CHECK_FALSE(key("50340831e040020000"));  // a frame of an upper layer
    CHECK(
        key("08"
            "02"
            "0800"
            "02"
            "3010"));  // frame, all elements with length
    CHECK(
        key("28"
            "02"
            "0800"
            "1810"));  // frame header OBU, W=2
    CHECK_FALSE(
        key("28"
            "02"
            "0800"
            "3030"));  // frame_type 1
    CHECK_FALSE(
        key("28"
            "02"
            "0800"
            "3090"));  // show_existing_frame
    CHECK_FALSE(
        key("20"
            "02"
            "0800"
            "3010"));  // N = 0
    CHECK_FALSE(
        key("28"
            "02"
            "3010"
            "0800"));  // sequence header not first
    CHECK_FALSE(
        key("18"
            "0800"));  // no frame in the same packet
    CHECK_FALSE(
        key("38"
            "02"
            "1200"
            "02"
            "0800"
            "3010"));  // temporal delimiter first
    CHECK(
        key("28"
            "02"
            "0808"
            "3070"));  // reduced still picture: always a key frame
    CHECK(
        key("28"
            "03"
            "0a0100"
            "320110"));  // OBUs with their own size
    CHECK(
        key("28"
            "03"
            "0c0000"
            "340010"));  // OBUs with extension byte
}

TEST_CASE("parse_av1: bad lengths and flags are refused [IMM-7]") {
    CHECK(parse_av1(hex("10")).error() == ParseError::kTruncated);
    CHECK(parse_av1({}).error() == ParseError::kTruncated);
    CHECK(parse_av1(hex("8830")).error() == ParseError::kMalformed);  // Z and N
    CHECK(parse_av1(hex("0003"
                        "0800"))
              .error() == ParseError::kLength);
    CHECK(parse_av1(hex("20ff"
                        "0800"))
              .error() == ParseError::kLength);
    CHECK(parse_av1(hex("2002"
                        "0800"))
              .error() == ParseError::kLength);  // second one missing
    CHECK(parse_av1(hex("00ffffffffffffffffff01")).error() == ParseError::kLength);
    Bytes many{0x00};
    many.resize(70, 0x00);
    CHECK(parse_av1(many).error() == ParseError::kLimit);
}

TEST_CASE("parse_av1: truncation at every length [IMM-7]") {
    const Bytes bytes = hex(kKeyFrame);
    for_each_prefix(bytes, [](BytesView prefix) {
        const auto p = parse_av1(prefix);
        if (prefix.size() <= 30) CHECK_FALSE(p.has_value());
    });
    const Bytes sequence = hex("008707238191c04860e430321809041c8206410124cf7f0d803401");
    std::size_t known = 0;
    for_each_prefix(sequence, [&](BytesView prefix) {
        if (const auto size = av1_sequence_size(prefix)) {
            CHECK(*size == FrameSize{960, 540});
            ++known;
        }
    });
    CHECK(known > 0);
}

TEST_CASE("read_leb128: values and limits") {
    const auto read = [](std::string_view text, std::size_t* left = nullptr) {
        const Bytes bytes = hex(text);
        BytesView rest = bytes;
        const auto value = read_leb128(rest);
        if (left != nullptr) *left = rest.size();
        return value;
    };
    std::size_t left = 0;
    CHECK(read("00", &left) == 0U);
    CHECK(read("7fff", &left) == 127U);
    CHECK(left == 1);
    CHECK(read("8001") == 128U);
    CHECK(read("e58e26") == 624485U);
    CHECK(read("ffffffff0f") == 0xFFFFFFFFU);
    CHECK_FALSE(read("ffffffff1f").has_value());
    CHECK(read("8080808080808000") == 0U);
    CHECK_FALSE(read("808080808080808000").has_value());
    CHECK_FALSE(read("80").has_value());
    CHECK_FALSE(read("").has_value());
}

}  // namespace
}  // namespace confab::wire
