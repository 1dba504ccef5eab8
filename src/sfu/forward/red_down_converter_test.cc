// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 2198 §3, 02 IN-32, IN-34.
#include "sfu/forward/red_down_converter.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "wire/rtp/red.h"

namespace confab::sfu {
namespace {

struct Block {
    std::uint16_t back;  // in time
    std::string_view data;
};
using Slice = std::tuple<std::int64_t, std::int64_t, std::string>;

// Redundant blocks, oldest first, and the primary one; headers as RFC 2198 §3 draws them.
Bytes red(const std::vector<Block>& redundant, std::string_view primary) {
    Bytes out(300);
    ByteWriter writer(out);
    for (const Block& b : redundant)
        writer.u32(0x80U << 24 | 111U << 24 | std::uint32_t{b.back} << 10 |
                   static_cast<std::uint32_t>(b.data.size()));
    writer.u8(111);
    for (const Block& b : redundant)
        writer.bytes(as_bytes(b.data));
    writer.bytes(as_bytes(primary));
    out.resize(writer.size());
    return out;
}

std::vector<Slice> split(const Bytes& payload) {
    const RedSlices slices = split_red(payload, 500, 96'000);
    std::vector<Slice> out;
    for (std::size_t i = 0; i < slices.count; ++i) {
        const RedSlice& s = slices.slices[i];
        out.emplace_back(s.sequence, s.timestamp,
                         std::string(as_text(BytesView(payload).subspan(s.offset, s.size))));
    }
    return out;
}

}  // namespace

TEST_CASE("split_red: the two packets before and this one, oldest first [IN-32]") {
    CHECK(split(red({}, "p")) == std::vector<Slice>{{500, 96'000, "p"}});
    CHECK(split(red({{960, "a"}}, "p")) ==
          std::vector<Slice>{{499, 95'040, "a"}, {500, 96'000, "p"}});
    CHECK(split(red({{1920, "bb"}, {960, "a"}}, "pp")) ==
          std::vector<Slice>{{498, 94'080, "bb"}, {499, 95'040, "a"}, {500, 96'000, "pp"}});
    // A third one is too old to fill a hole.
    CHECK(split(red({{2880, "c"}, {1920, "b"}, {960, "a"}}, "p")) ==
          std::vector<Slice>{{498, 94'080, "b"}, {499, 95'040, "a"}, {500, 96'000, "p"}});
}

TEST_CASE("split_red: the block tells its time, also behind a pause of DTX [IN-34]") {
    CHECK(split(red({{1920, "a"}}, "p")) ==
          std::vector<Slice>{{499, 94'080, "a"}, {500, 96'000, "p"}});
    CHECK(split(red({{wire::kMaxRedOffset, "a"}}, "p")) ==
          std::vector<Slice>{{499, 96'000 - 16'383, "a"}, {500, 96'000, "p"}});
}

TEST_CASE("split_red: empty blocks are no frames, but keep their place [IN-32]") {
    CHECK(split(red({{1920, "b"}, {960, ""}}, "p")) ==
          std::vector<Slice>{{498, 94'080, "b"}, {500, 96'000, "p"}});
    CHECK(split(red({{1920, ""}, {960, "a"}}, "")) == std::vector<Slice>{{499, 95'040, "a"}});
    CHECK(split(red({}, "")).empty());
}

TEST_CASE("split_red: of a payload cut anywhere nothing that is not there [IN-32]") {
    const Bytes whole = red({{1920, "bbb"}, {960, "aa"}}, "p");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        // The primary block has no length: without it the rest is whole.
        CHECK(split(cut).size() == (size == whole.size() - 1 ? 2 : 0));
    }
}

}  // namespace confab::sfu
