// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtp/dependency_descriptor.h"

#include <type_traits>

#include "wire/video/media_test_util.h"

namespace confab::wire {
namespace {

static_assert(std::is_trivially_copyable_v<DependencyInfo>);
static_assert(std::is_trivially_copyable_v<DependencyStructure>);
static_assert(sizeof(DependencyInfo) <= 400);

// Recorded from Chromium: VP9 L3T3_KEY, the same with an explicit mask, VP8 L1T3, H264 L1T1.
constexpr std::string_view kL3T3 =
    "80000180081485214eaaaaa8000600004000100002aa80a8000600004000100002a000a80006000040001"
    "6d549241b5524906d54923157e001974ca864330e222396eca8655304224390eca8775300ef008601df01"
    "0d03bf021b";
constexpr std::string_view kL3T3Mask =
    "800001c0081485214eaaaaa8000600004000100002aa80a8000600004000100002a000a80006000040001"
    "6d549241b5524906d54923157e001974ca864330e222396eca8655304224390eca8775300ef008601df01"
    "0d03bf021b1f80";
constexpr std::string_view kL1T3 = "8000018002044eaaaf2860414d34538a0940409fc059c0";
constexpr std::string_view kL1T1 = "80000180003a410100";

struct Parsed {
    DependencyInfo info;
    DependencyStructure structure;
};

Parsed parse_key(std::string_view text) {
    Parsed parsed;
    const auto info = parse_dependency_descriptor(hex(text), nullptr, &parsed.structure);
    REQUIRE(info.has_value());
    parsed.info = *info;
    return parsed;
}

DependencyInfo parse_with(std::string_view text, const DependencyStructure& structure) {
    const auto info = parse_dependency_descriptor(hex(text), &structure);
    REQUIRE(info.has_value());
    return *info;
}

TEST_CASE("dependency descriptor: structure of Chromium L3T3_KEY [IN-26]") {
    const auto [info, s] = parse_key(kL3T3);
    CHECK(hex(kL3T3).size() == 90);
    CHECK(info.first_packet_in_frame);
    CHECK_FALSE(info.last_packet_in_frame);
    CHECK(info.structure_attached);
    CHECK_FALSE(info.has_active_targets);
    CHECK(info.active_targets == 0x1FF);
    CHECK(info.frame_number == 1);
    CHECK(info.spatial_id == 0);
    CHECK(info.temporal_id == 0);
    CHECK(info.diffs().empty());
    CHECK(s.decode_target_count == 9);
    CHECK(s.template_count == 15);
    CHECK(s.chain_count == 3);
    CHECK(s.spatial_layer_count == 3);
    REQUIRE(s.resolution_count == 3);
    CHECK(s.resolutions[0] == FrameSize{240, 135});
    CHECK(s.resolutions[1] == FrameSize{480, 270});
    CHECK(s.resolutions[2] == FrameSize{960, 540});
    CHECK(info.resolution == FrameSize{240, 135});
    for (std::uint8_t target = 0; target < 9; ++target) {
        CHECK(s.target_spatial[target] == target / 3);
        CHECK(s.target_temporal[target] == target % 3);
        CHECK(s.target_chain[target] == target / 3);
        CHECK(s.find_target(target / 3, target % 3) == target);
    }
    for (std::size_t t = 0; t < 15; ++t)
        CHECK(s.templates[t].spatial_id == t / 5);
    CHECK_FALSE(s.find_target(3, 0).has_value());
}

TEST_CASE("dependency descriptor: masks of the qualities [FWD-08]") {
    const auto [info, s] = parse_key(kL3T3);
    CHECK(s.all_targets() == 0x1FF);
    CHECK(s.targets_up_to(2, 2) == 0x1FF);
    CHECK(s.targets_up_to(1, 2) == 0x03F);
    CHECK(s.targets_up_to(0, 2) == 0x007);
    CHECK(s.targets_up_to(2, 0) == 0x049);
    CHECK(s.targets_up_to(2, 1) == 0x0DB);
}

TEST_CASE("dependency descriptor: structure with a mask without the top layer [IN-26]") {
    const auto [info, s] = parse_key(kL3T3Mask);
    CHECK(hex(kL3T3Mask).size() == 92);
    CHECK(info.has_active_targets);
    CHECK(info.active_targets == 0x03F);
    CHECK(s == parse_key(kL3T3).structure);
}

TEST_CASE("dependency descriptor: VP8 L1T3 and H264 L1T1 of Chromium [IN-25]") {
    const auto [vp8, l1t3] = parse_key(kL1T3);
    CHECK(hex(kL1T3).size() == 23);
    CHECK(l1t3.decode_target_count == 3);
    CHECK(l1t3.template_count == 7);
    CHECK(l1t3.chain_count == 0);
    CHECK(l1t3.resolution_count == 1);
    CHECK(l1t3.resolutions[0] == FrameSize{640, 360});
    CHECK(l1t3.target_temporal[2] == 2);
    const auto [h264, l1t1] = parse_key(kL1T1);
    CHECK(hex(kL1T1).size() == 9);
    CHECK(l1t1.decode_target_count == 1);
    CHECK(l1t1.template_count == 2);
    CHECK(l1t1.chain_count == 1);
    CHECK(l1t1.resolution_count == 0);
    CHECK_FALSE(h264.resolution.known());
}

TEST_CASE("dependency descriptor: packets of three bytes and with custom fields") {
    const auto s = parse_key(kL3T3).structure;
    const DependencyInfo plain = parse_with("850002", s);
    CHECK(plain.template_index == 5);
    CHECK(plain.spatial_id == 1);
    CHECK(plain.frame_number == 2);
    CHECK(plain.resolution == FrameSize{480, 270});
    REQUIRE(plain.frame_diff_count == 1);
    CHECK(plain.frame_diffs[0] == 1);
    CHECK_FALSE(plain.has_active_targets);
    CHECK(plain.dtis[8] == Dti::kSwitch);
    CHECK(plain.dtis[0] == Dti::kNotPresent);
    // Custom frame differences and chains.
    const DependencyInfo custom = parse_with("8700151a60282018", s);
    CHECK_FALSE(custom.custom_dtis);
    CHECK(custom.custom_frame_diffs);
    CHECK(custom.custom_chain_diffs);
    CHECK(custom.frame_diff_count == 1);
    CHECK(custom.frame_diffs[0] == 4);
    CHECK(custom.chains().size() == 3);
    CHECK(custom.chain_diffs[0] == 5);
    CHECK(custom.chain_diffs[1] == 4);
    CHECK(custom.chain_diffs[2] == 3);
}

TEST_CASE("dependency descriptor: unknown template and missing structure are refused [IN-20]") {
    const auto s = parse_key(kL3T3).structure;
    const auto error = [&](std::string_view text, const DependencyStructure* current) {
        return parse_dependency_descriptor(hex(text), current).error();
    };
    CHECK(error("8f0002", &s) == ParseError::kMalformed);
    CHECK(error("bf0002", &s) == ParseError::kMalformed);
    CHECK(error("850002", nullptr) == ParseError::kNoStructure);
    const DependencyStructure none;
    CHECK(error("850002", &none) == ParseError::kNoStructure);
    CHECK(error("8500", &s) == ParseError::kTruncated);
    CHECK(error("850002"
                "40",
                &s) == ParseError::kTruncated);  // a mask of nine bits
}

TEST_CASE("dependency descriptor: template ids wrap at 64") {
    auto [info, s] = parse_key(kL3T3);
    s.template_id_offset = 60;
    CHECK(parse_with("bf0002", s).template_index == 3);
    CHECK(parse_with("850002", s).template_index == 9);
}

TEST_CASE("dependency descriptor: a failed parse leaves the old structure [IMM-7]") {
    const auto s = parse_key(kL1T3).structure;
    for (const std::string_view text : {kL3T3, kL3T3Mask, kL1T3, kL1T1}) {
        const Bytes bytes = hex(text);
        for_each_prefix(bytes, [&](BytesView prefix) {
            DependencyStructure kept = s;
            const auto info = parse_dependency_descriptor(prefix, &s, &kept);
            if (!info) CHECK(kept == s);
        });
    }
    const Bytes bytes = hex(kL3T3);
    CHECK_FALSE(parse_dependency_descriptor(BytesView(bytes).first(89), nullptr).has_value());
}

TEST_CASE("dependency descriptor: more layers or differences than the limits [IMM-7]") {
    // Offset 0, one target, then templates that go one spatial layer up each.
    CHECK(parse_dependency_descriptor(hex("800001"
                                          "80"
                                          "00"
                                          "aaaaaaaaaaaaaaaa"),
                                      nullptr)
              .error() == ParseError::kLimit);
    // 64 and more templates of the same layer.
    CHECK(parse_dependency_descriptor(hex("800001"
                                          "80"),
                                      nullptr)
              .error() == ParseError::kTruncated);
    Bytes many =
        hex("800001"
            "80");
    many.resize(200, 0);
    CHECK(parse_dependency_descriptor(many, nullptr).error() == ParseError::kLimit);
    // Endless custom frame differences.
    const auto s = parse_key(kL3T3).structure;
    Bytes diffs =
        hex("850002"
            "12");
    diffs.resize(60, 0x55);
    CHECK(parse_dependency_descriptor(diffs, &s).error() == ParseError::kLimit);
}

DependencyInfo reparse(BytesView bytes, const DependencyStructure& s,
                       DependencyStructure* attached = nullptr) {
    const auto info = parse_dependency_descriptor(bytes, &s, attached);
    REQUIRE(info.has_value());
    return *info;
}

TEST_CASE("rewrite: short packets get the mask of the forwarded layer [FWD-08]") {
    const auto s = parse_key(kL3T3).structure;
    std::array<std::uint8_t, kMaxDependencyDescriptorSize> out{};
    const auto rewritten = [&](std::string_view text, std::uint16_t frame, std::uint32_t mask) {
        const auto size = rewrite_dependency_descriptor(hex(text), s, frame, mask, out);
        REQUIRE(size.has_value());
        return to_hex(BytesView(out).first(*size));
    };
    CHECK(rewritten("000001", 0x0010, 0x1FF) == "00001047fc");
    CHECK(rewritten("450002", 0x0005, 0x03F) == "45000540fc");
    CHECK(rewritten("850002", 0x0002, 0x007) == "850002401c");
    CHECK(rewritten("850002", 0x0002, 0x049) == "8500024124");
    CHECK(rewritten("850002", 0x0002, 0x0DB) == "850002436c");
}

TEST_CASE("rewrite: custom fields stay, an old mask is replaced [FWD-08]") {
    const auto s = parse_key(kL3T3).structure;
    for (const std::string_view text : {"c200141a60201810", "8700151a60282018", "88002408581810",
                                        "81002a1c2008848400", "00001047fc", "8700155ffd401c1814"}) {
        const DependencyInfo before = parse_with(text, s);
        for (const std::uint32_t mask : {0x1FFU, 0x03FU, 0x001U}) {
            std::array<std::uint8_t, kMaxDependencyDescriptorSize> out{};
            const auto size = rewrite_dependency_descriptor(hex(text), s, 777, mask, out);
            REQUIRE(size.has_value());
            DependencyInfo expected = before;
            expected.frame_number = 777;
            expected.has_active_targets = true;
            expected.active_targets = mask;
            CHECK(reparse(BytesView(out).first(*size), s) == expected);
        }
    }
}

TEST_CASE("rewrite: a structure packet keeps every byte but the frame number [FWD-08]") {
    const DependencyStructure none;
    for (const std::string_view text : {kL3T3, kL3T3Mask, kL1T3}) {
        const Bytes original = hex(text);
        std::array<std::uint8_t, kMaxDependencyDescriptorSize> out{};
        const auto size = rewrite_dependency_descriptor(original, none, 0xABCD, 1, out);
        REQUIRE(size.has_value());
        Bytes expected = original;
        expected[1] = 0xAB;
        expected[2] = 0xCD;
        CHECK(to_hex(BytesView(out).first(*size)) == to_hex(expected));
    }
}

TEST_CASE("rewrite: errors and every truncation [IMM-7]") {
    const auto s = parse_key(kL3T3).structure;
    const DependencyStructure none;
    std::array<std::uint8_t, kMaxDependencyDescriptorSize> out{};
    CHECK(rewrite_dependency_descriptor(hex("8500"), s, 1, 1, out).error() ==
          ParseError::kTruncated);
    CHECK(rewrite_dependency_descriptor(hex("850002"), none, 1, 1, out).error() ==
          ParseError::kNoStructure);
    CHECK(rewrite_dependency_descriptor(hex("850002"), s, 1, 1, BytesSpan(out).first(4)).error() ==
          ParseError::kLimit);
    CHECK(rewrite_dependency_descriptor(hex(kL3T3), s, 1, 1, BytesSpan(out).first(89)).error() ==
          ParseError::kLimit);
    CHECK(rewrite_dependency_descriptor(hex("85000240"), s, 1, 1, out).error() ==
          ParseError::kTruncated);
    const Bytes bytes = hex("8700155ffd401c1814");
    for_each_prefix(bytes, [&](BytesView prefix) {
        (void)rewrite_dependency_descriptor(prefix, s, 1, 1, out);
    });
}

TEST_CASE("write: recorded structures come out byte for byte") {
    for (const std::string_view text : {kL3T3, kL3T3Mask, kL1T3, kL1T1}) {
        const auto [info, s] = parse_key(text);
        std::array<std::uint8_t, kMaxDependencyDescriptorSize> out{};
        const auto size = write_dependency_descriptor(info, s, out);
        REQUIRE(size.has_value());
        CHECK(to_hex(BytesView(out).first(*size)) == text);
    }
}

TEST_CASE("write: recorded packets come out with the same meaning and no longer") {
    const auto s = parse_key(kL3T3).structure;
    for (const std::string_view text : {"000001", "c200141a60201810", "8700151a60282018",
                                        "88002408581810", "81002a1c2008848400", "00001047fc"}) {
        DependencyInfo info = parse_with(text, s);
        std::array<std::uint8_t, kMaxDependencyDescriptorSize> out{};
        const auto size = write_dependency_descriptor(info, s, out);
        REQUIRE(size.has_value());
        CHECK(*size <= text.size() / 2);
        const DependencyInfo again = reparse(BytesView(out).first(*size), s);
        CHECK(again.dtis == info.dtis);
        CHECK(again.frame_diffs == info.frame_diffs);
        CHECK(again.chain_diffs == info.chain_diffs);
        CHECK(again.active_targets == info.active_targets);
        CHECK(again.frame_number == info.frame_number);
    }
}

DependencyStructure random_structure(Rng& rng) {
    DependencyStructure s;
    s.template_id_offset = random_u8(rng, 64);
    s.decode_target_count = static_cast<std::uint8_t>(1 + rng.below(12));
    s.chain_count = random_u8(rng, s.decode_target_count + 1U);
    s.template_count = static_cast<std::uint8_t>(1 + rng.below(10));
    for (std::size_t t = 0; t < s.template_count; ++t) {
        DdTemplate& now = s.templates[t];
        if (t > 0) {
            const DdTemplate& before = s.templates[t - 1];
            const std::uint64_t step = rng.below(3);
            now.spatial_id = before.spatial_id;
            now.temporal_id = before.temporal_id;
            if (step == 1 && now.temporal_id + 1U < kMaxDdTemporalLayers) ++now.temporal_id;
            if (step == 2 && now.spatial_id + 1U < kMaxDdSpatialLayers) {
                ++now.spatial_id;
                now.temporal_id = 0;
            }
        }
        for (std::size_t i = 0; i < s.decode_target_count; ++i)
            now.dtis.set(i, static_cast<Dti>(rng.below(4)));
        now.frame_diff_count = random_u8(rng, 4);
        for (std::size_t i = 0; i < now.frame_diff_count; ++i)
            now.frame_diffs[i] = static_cast<std::uint8_t>(1 + rng.below(16));
        for (std::size_t i = 0; i < s.chain_count; ++i)
            now.chain_diffs[i] = random_u8(rng, 16);
    }
    s.spatial_layer_count =
        static_cast<std::uint8_t>(s.templates[s.template_count - 1U].spatial_id + 1);
    if (coin(rng)) s.resolution_count = s.spatial_layer_count;
    for (std::size_t i = 0; i < s.resolution_count; ++i)
        s.resolutions[i] = {static_cast<std::uint16_t>(1 + rng.below(65535)),
                            static_cast<std::uint16_t>(1 + rng.below(65535))};
    if (s.chain_count > 0)
        for (std::size_t i = 0; i < s.decode_target_count; ++i)
            s.target_chain[i] = random_u8(rng, s.chain_count);
    for (std::size_t i = 0; i < s.decode_target_count; ++i) {
        for (std::size_t t = 0; t < s.template_count; ++t) {
            if (s.templates[t].dtis[i] == Dti::kNotPresent) continue;
            s.target_spatial[i] = std::max(s.target_spatial[i], s.templates[t].spatial_id);
            s.target_temporal[i] = std::max(s.target_temporal[i], s.templates[t].temporal_id);
        }
    }
    return s;
}

DependencyInfo random_info(Rng& rng, const DependencyStructure& s) {
    DependencyInfo info;
    const DdTemplate& t = s.templates[rng.below(s.template_count)];
    info.spatial_id = t.spatial_id;
    info.temporal_id = t.temporal_id;
    info.frame_number = rng.u16();
    info.first_packet_in_frame = coin(rng);
    info.last_packet_in_frame = coin(rng);
    info.structure_attached = coin(rng);
    info.has_active_targets = coin(rng);
    info.active_targets = rng.u32() & s.all_targets();
    info.chain_count = s.chain_count;
    info.dtis = t.dtis;
    info.chain_diffs = t.chain_diffs;
    info.frame_diff_count = t.frame_diff_count;
    std::copy(t.frame_diffs.begin(), t.frame_diffs.end(), info.frame_diffs.begin());
    if (coin(rng)) info.dtis.set(rng.below(s.decode_target_count), static_cast<Dti>(rng.below(4)));
    if (coin(rng) && s.chain_count > 0)
        info.chain_diffs[rng.below(s.chain_count)] = random_u8(rng, 256);
    if (coin(rng)) {
        info.frame_diffs = {};
        info.frame_diff_count = random_u8(rng, kMaxDdFrameDiffs + 1);
        for (std::size_t i = 0; i < info.frame_diff_count; ++i)
            info.frame_diffs[i] = static_cast<std::uint16_t>(1 + rng.below(4096));
    }
    return info;
}

TEST_CASE("write: random structures and frames are parsed again") {
    Rng rng(4);
    int written = 0;
    for (int round = 0; round < 3000; ++round) {
        const DependencyStructure s = random_structure(rng);
        const DependencyInfo info = random_info(rng, s);
        std::array<std::uint8_t, kMaxDependencyDescriptorSize> out{};
        const auto size = write_dependency_descriptor(info, s, out);
        if (!size) {
            CHECK(size.error() == ParseError::kLimit);  // more than 255 bytes
            continue;
        }
        ++written;
        DependencyStructure attached;
        const DependencyInfo again = reparse(BytesView(out).first(*size), s, &attached);
        CHECK(again.frame_number == info.frame_number);
        CHECK(again.spatial_id == info.spatial_id);
        CHECK(again.temporal_id == info.temporal_id);
        CHECK(again.first_packet_in_frame == info.first_packet_in_frame);
        CHECK(again.last_packet_in_frame == info.last_packet_in_frame);
        CHECK(again.has_active_targets == info.has_active_targets);
        if (info.has_active_targets) CHECK(again.active_targets == info.active_targets);
        CHECK(again.dtis == info.dtis);
        CHECK(again.frame_diffs == info.frame_diffs);
        CHECK(again.chain_diffs == info.chain_diffs);
        if (info.structure_attached) CHECK(attached == s);
    }
    CHECK(written > 2000);
}

TEST_CASE("write: what the format cannot express is refused") {
    auto [info, s] = parse_key(kL3T3);
    std::array<std::uint8_t, kMaxDependencyDescriptorSize> out{};
    const auto error = [&] { return write_dependency_descriptor(info, s, out).error(); };
    info.temporal_id = 7;
    CHECK(error() == ParseError::kMalformed);
    info.temporal_id = 0;
    info.frame_diff_count = 1;
    info.frame_diffs[0] = 0;
    CHECK(error() == ParseError::kMalformed);
    info.frame_diffs[0] = 4097;
    CHECK(error() == ParseError::kMalformed);
    info.frame_diff_count = 0;
    s.template_count = 0;
    CHECK(error() == ParseError::kMalformed);
}

}  // namespace
}  // namespace confab::wire
