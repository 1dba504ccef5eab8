// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/vp8.h"

#include "wire/video/media_test_util.h"

namespace confab::wire {
namespace {

TEST_CASE("parse_vp8: full descriptor as Firefox sends it [IN-56]") {
    const Bytes payload =
        hex("90f0aff81d3c"
            "1002009d012a08000800");
    const auto d = parse_vp8(payload);
    REQUIRE(d.has_value());
    CHECK(d->extended);
    CHECK(d->start_of_partition);
    CHECK_FALSE(d->non_reference);
    CHECK(d->picture_id_15bit);
    CHECK(d->picture_id == 0x2FF8);
    CHECK(d->tl0_pic_idx == 0x1D);
    CHECK(d->temporal_id == 0);
    CHECK(d->layer_sync);
    CHECK(d->key_idx == 0x1C);
    CHECK(d->size == 6);
    CHECK(d->key_frame);
    CHECK(vp8_key_frame_size(BytesView(payload).subspan(d->size)) == FrameSize{8, 8});
}

TEST_CASE("parse_vp8: one-byte descriptor next to a dependency descriptor [IN-25]") {
    const Bytes payload = hex("105085009d012a80026801");
    const auto d = parse_vp8(payload);
    REQUIRE(d.has_value());
    CHECK_FALSE(d->extended);
    CHECK(d->size == 1);
    CHECK(d->key_frame);
    CHECK(vp8_key_frame_size(BytesView(payload).subspan(1)) == FrameSize{640, 360});
    const auto delta = parse_vp8(hex("005130ca"));
    CHECK_FALSE(delta->start_of_partition);
    CHECK_FALSE(delta->key_frame);
    CHECK(parse_vp8(hex("20"))->non_reference);
}

TEST_CASE("parse_vp8: key frame needs S, partition 0 and P = 0 [IN-43]") {
    CHECK(parse_vp8(hex("10b049009d012a"))->key_frame);
    CHECK_FALSE(parse_vp8(hex("10b149009d012a"))->key_frame);
    CHECK_FALSE(parse_vp8(hex("00b049009d012a"))->key_frame);
    CHECK_FALSE(parse_vp8(hex("11b049009d012a"))->key_frame);
    CHECK_FALSE(parse_vp8(hex("10"))->key_frame);  // nothing behind the descriptor
}

TEST_CASE("parse_vp8: each optional field alone") {
    CHECK(parse_vp8(hex("80807f"))->picture_id == 0x7F);
    CHECK(parse_vp8(hex("8080ffff"))->picture_id == 0x7FFF);
    CHECK(parse_vp8(hex("804055"))->tl0_pic_idx == 0x55);
    const auto tid = parse_vp8(hex("8020bf"));
    CHECK(tid->temporal_id == 2);
    CHECK(tid->layer_sync);
    CHECK(tid->key_idx == 0);
    const auto key = parse_vp8(hex("8010ff"));
    CHECK(key->key_idx == 31);
    CHECK(key->temporal_id == 0);
}

TEST_CASE("parse_vp8: truncated descriptors are refused [IMM-7]") {
    const Bytes payload = hex("90f0aff81d3c");
    for_each_prefix(payload, [](BytesView prefix) {
        CHECK(parse_vp8(prefix).error() == ParseError::kTruncated);
    });
    const Bytes frame = hex("1002009d012a08000800");
    for_each_prefix(frame,
                    [](BytesView prefix) { CHECK_FALSE(vp8_key_frame_size(prefix).has_value()); });
    CHECK_FALSE(vp8_key_frame_size(hex("1102009d012a08000800")).has_value());
    CHECK_FALSE(vp8_key_frame_size(hex("1002009d012b08000800")).has_value());
}

TEST_CASE("vp8_key_frame_size: scaling bits are no part of the size") {
    CHECK(vp8_key_frame_size(hex("1002009d012a80426881")) == FrameSize{640, 360});
}

Vp8Descriptor random_descriptor(Rng& rng) {
    Vp8Descriptor d;
    d.extended = coin(rng);
    d.non_reference = coin(rng);
    d.start_of_partition = coin(rng);
    d.partition_id = random_u8(rng, 8);
    if (!d.extended) return d;
    d.has_picture_id = coin(rng);
    d.has_tl0_pic_idx = coin(rng);
    d.has_tid = coin(rng);
    d.has_key_idx = coin(rng);
    if (d.has_picture_id) {
        d.picture_id_15bit = coin(rng);
        d.picture_id = static_cast<std::uint16_t>(rng.below(d.picture_id_15bit ? 0x8000 : 0x80));
    }
    if (d.has_tl0_pic_idx) d.tl0_pic_idx = random_u8(rng, 256);
    if (d.has_tid) {
        d.temporal_id = random_u8(rng, 4);
        d.layer_sync = coin(rng);
    }
    if (d.has_key_idx) d.key_idx = random_u8(rng, 32);
    return d;
}

TEST_CASE("write_vp8_descriptor: what was written is parsed again [FWD-06]") {
    Rng rng(3);
    for (int round = 0; round < 5000; ++round) {
        Vp8Descriptor d = random_descriptor(rng);
        std::array<std::uint8_t, kMaxVp8DescriptorSize> buffer{};
        ByteWriter out(buffer);
        REQUIRE(write_vp8_descriptor(out, d));
        CHECK(out.size() == vp8_descriptor_size(d));
        const auto parsed = parse_vp8(out.written());
        REQUIRE(parsed.has_value());
        d.size = static_cast<std::uint8_t>(out.size());
        CHECK(*parsed == d);
        ByteWriter small(BytesSpan(buffer).first(out.size() - 1));
        CHECK_FALSE(write_vp8_descriptor(small, d));
    }
}

}  // namespace
}  // namespace confab::wire
