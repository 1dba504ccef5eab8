// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtp/red.h"

#include <vector>

#include "wire/rtp/rtx.h"
#include "wire/video/media_test_util.h"

namespace confab::wire {
namespace {

TEST_CASE("parse_red: Chromium with and without a redundant block [IN-34]") {
    const Bytes lone_bytes = hex("6ffcca71");
    const auto lone = parse_red(lone_bytes);
    REQUIRE(lone.has_value());
    CHECK(lone->count == 1);
    CHECK(lone->primary().payload_type == 111);
    CHECK(to_hex(lone->primary().data) == "fcca71");
    CHECK(lone->redundant().empty());
    const Bytes two_bytes =
        hex("ef0f0003"
            "6f"
            "fcca71"
            "fc0202");
    const auto two = parse_red(two_bytes);
    REQUIRE(two.has_value());
    REQUIRE(two->redundant().size() == 1);
    CHECK(two->redundant()[0].payload_type == 111);
    CHECK(two->redundant()[0].timestamp_offset == 960);
    CHECK(to_hex(two->redundant()[0].data) == "fcca71");
    CHECK(to_hex(two->primary().data) == "fc0202");
    // DTX: the header alone.
    CHECK(parse_red(hex("6f"))->primary().data.empty());
}

TEST_CASE("parse_red: blocks beyond the payload and endless headers are refused [IMM-7]") {
    CHECK(parse_red({}).error() == ParseError::kTruncated);
    CHECK(parse_red(hex("ef0f00")).error() == ParseError::kTruncated);
    CHECK(parse_red(hex("ef0f0003")).error() == ParseError::kTruncated);
    CHECK(parse_red(hex("ef0f0003"
                        "6f"
                        "aabb"))
              .error() == ParseError::kLength);
    CHECK(parse_red(hex("efffffff"
                        "6f"
                        "aabb"))
              .error() == ParseError::kLength);
    CHECK(parse_red(Bytes(200, 0xEF)).error() == ParseError::kLimit);
    const Bytes bytes =
        hex("ef1e0002"
            "ef0f0001"
            "6f"
            "aabbcc"
            "dd");
    CHECK(parse_red(bytes)->count == 3);
    for_each_prefix(bytes, [](BytesView prefix) { (void)parse_red(prefix); });
}

TEST_CASE("write_red: at most two redundant blocks that fit their fields [IN-32]") {
    std::array<std::uint8_t, 2048> buffer{};
    const Bytes big(1024);
    const auto written = [&](std::vector<RedBlock> redundant) {
        ByteWriter out(buffer);
        return write_red(out, redundant, 111, {});
    };
    CHECK(written({{111, 16383, BytesView(big).first(1023)}}));
    CHECK_FALSE(written({{111, 16384, {}}}));
    CHECK_FALSE(written({{111, 960, big}}));
    CHECK_FALSE(written({{111, 3, {}}, {111, 2, {}}, {111, 1, {}}}));
    ByteWriter small(BytesSpan(buffer).first(4));
    CHECK_FALSE(write_red(small, std::vector<RedBlock>{{111, 960, {}}}, 111, {}));
}

TEST_CASE("write_red: what was written is parsed again") {
    Rng rng(10);
    for (int round = 0; round < 2'000; ++round) {
        std::vector<Bytes> data;
        std::vector<RedBlock> redundant;
        const std::size_t count = rng.below(kMaxRedRedundant + 1);
        for (std::size_t i = 0; i < count; ++i)
            data.push_back(random_bytes(rng, 1023));
        for (const Bytes& bytes : data)
            redundant.push_back({random_u8(rng, 128),
                                 static_cast<std::uint16_t>(rng.below(kMaxRedOffset + 1)), bytes});
        const Bytes primary = random_bytes(rng, 1000);
        std::array<std::uint8_t, 4096> buffer{};
        ByteWriter out(buffer);
        REQUIRE(write_red(out, redundant, 63, primary));
        const auto parsed = parse_red(out.written());
        REQUIRE(parsed.has_value());
        REQUIRE(parsed->redundant().size() == count);
        for (std::size_t i = 0; i < count; ++i) {
            CHECK(parsed->redundant()[i].payload_type == redundant[i].payload_type);
            CHECK(parsed->redundant()[i].timestamp_offset == redundant[i].timestamp_offset);
            CHECK(to_hex(parsed->redundant()[i].data) == to_hex(data[i]));
        }
        CHECK(to_hex(parsed->primary().data) == to_hex(primary));
        CHECK(parsed->primary().payload_type == 63);
    }
}

TEST_CASE("rtx: the original sequence number stands first [IN-03]") {
    const Bytes bytes = hex("101cb4e0d110");
    const auto rtx = parse_rtx(bytes);
    REQUIRE(rtx.has_value());
    CHECK(rtx->original_sequence == 4124);
    CHECK(to_hex(rtx->payload) == "b4e0d110");
    CHECK(parse_rtx(hex("101c"))->payload.empty());
    CHECK(parse_rtx(hex("10")).error() == ParseError::kTruncated);
    CHECK(parse_rtx({}).error() == ParseError::kTruncated);
    std::array<std::uint8_t, 8> buffer{};
    ByteWriter out(buffer);
    write_rtx(out, 4124, rtx->payload);
    CHECK(to_hex(out.written()) == to_hex(bytes));
}

}  // namespace
}  // namespace confab::wire
