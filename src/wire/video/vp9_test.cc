// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/vp9.h"

#include "wire/video/media_test_util.h"

namespace confab::wire {
namespace {

// First packet of a Chromium L3T3_KEY key frame.
constexpr std::string_view kKeyFrame =
    "bae0d1105000f0008701e0010e03c0021c83498342000ef008781df810d8a0e0";

TEST_CASE("parse_vp9: key frame with scalability structure [IN-26]") {
    const Bytes payload = hex(kKeyFrame);
    Vp9ScalabilityStructure ss;
    const auto d = parse_vp9(payload, &ss);
    REQUIRE(d.has_value());
    CHECK(d->flexible);
    CHECK(d->picture_id_15bit);
    CHECK(d->picture_id == 0x60D1);
    CHECK(d->frame_start);
    CHECK_FALSE(d->frame_end);
    CHECK_FALSE(d->inter_picture_predicted);
    CHECK_FALSE(d->has_tl0_pic_idx);
    CHECK(d->spatial_id == 0);
    CHECK(d->switching_up_point);
    CHECK(d->has_scalability_structure);
    CHECK(d->size == 17);
    CHECK(d->key_frame);
    CHECK(ss.spatial_layers == 3);
    CHECK(ss.sizes[0] == FrameSize{240, 135});
    CHECK(ss.sizes[1] == FrameSize{480, 270});
    CHECK(ss.sizes[2] == FrameSize{960, 540});
}

TEST_CASE("parse_vp9: upper layer of a key picture, and a later picture [IN-26]") {
    const auto s1 = parse_vp9(hex("b8e0d1138702020003be021b"));
    REQUIRE(s1.has_value());
    CHECK(s1->spatial_id == 1);
    CHECK(s1->inter_layer_dependency);
    CHECK_FALSE(s1->inter_picture_predicted);
    CHECK_FALSE(s1->key_frame);  // P=0 alone is not a key frame
    const auto t2 = parse_vp9(hex("fde0d250028700000001de01"));
    REQUIRE(t2.has_value());
    CHECK(t2->temporal_id == 2);
    CHECK(t2->reference_diff_count == 1);
    CHECK(t2->reference_diffs[0] == 1);
    CHECK(t2->not_reference_for_upper);
    CHECK(t2->frame_end);
    CHECK(t2->size == 5);
    CHECK_FALSE(t2->key_frame);
}

TEST_CASE("parse_vp9: non-flexible mode has TL0PICIDX, 7-bit picture id") {
    Vp9ScalabilityStructure ss;
    // I, L, B, E, V; pid 5; TID 1 SID 0; TL0PICIDX 9; structure with a group of two pictures.
    const auto d = parse_vp9(hex("ae"
                                 "05"
                                 "20"
                                 "09"
                                 "08"
                                 "02"
                                 "0001"
                                 "1402"
                                 "82"),
                             &ss);
    REQUIRE(d.has_value());
    CHECK(d->picture_id == 5);
    CHECK_FALSE(d->picture_id_15bit);
    CHECK(d->has_tl0_pic_idx);
    CHECK(d->tl0_pic_idx == 9);
    CHECK(d->temporal_id == 1);
    CHECK(ss.spatial_layers == 1);
    CHECK(ss.pictures_in_group == 2);
    CHECK_FALSE(ss.has_sizes);
}

TEST_CASE("parse_vp9: three reference differences at most [IMM-7]") {
    const auto d =
        parse_vp9(hex("50"
                      "030506"));
    REQUIRE(d.has_value());
    CHECK(d->reference_diff_count == 3);
    CHECK(d->reference_diffs == std::array<std::uint8_t, 3>{1, 2, 3});
    CHECK(parse_vp9(hex("50"
                        "030507"
                        "02"))
              .error() == ParseError::kMalformed);
    CHECK(parse_vp9(hex("50"
                        "0305"))
              .error() == ParseError::kTruncated);
}

TEST_CASE("parse_vp9: key frame bits of the uncompressed header") {
    const auto key = [](std::string_view payload) { return parse_vp9(hex(payload))->key_frame; };
    CHECK(key("0883"));        // profile 0
    CHECK(key("08a3"));        // profile 1
    CHECK_FALSE(key("0887"));  // frame_type 1
    CHECK_FALSE(key("088b"));  // show_existing_frame
    CHECK_FALSE(key("0843"));  // no frame marker
    CHECK_FALSE(key("0083"));  // not the beginning of a frame
    CHECK(key("08b1"));        // profile 3: one reserved bit before
    CHECK_FALSE(key("08b2"));
    CHECK_FALSE(key("08b4"));
    CHECK_FALSE(key("08"));
}

TEST_CASE("parse_vp9: truncation at every length [IMM-7]") {
    const Bytes payload = hex(kKeyFrame);
    for_each_prefix(payload, [](BytesView prefix) {
        CHECK(parse_vp9(prefix).has_value() == (prefix.size() >= 17));
    });
    const Bytes group =
        hex("ae"
            "05"
            "20"
            "09"
            "18"
            "0010"
            "0020"
            "02"
            "0c010203"
            "1402");
    for_each_prefix(group, [](BytesView prefix) { CHECK_FALSE(parse_vp9(prefix).has_value()); });
    CHECK(parse_vp9(group).has_value());
}

}  // namespace
}  // namespace confab::wire
