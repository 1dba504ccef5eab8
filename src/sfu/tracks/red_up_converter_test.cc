// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 2198 §3, 02 IN-32.
#include "sfu/tracks/red_up_converter.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::sfu {
namespace {

// Offsets and sizes of what goes with a frame, oldest first.
struct Block {
    int offset = 0;
    std::size_t size = 0;
    bool operator==(const Block&) const = default;
};
std::vector<Block> blocks_of(std::size_t primary, OpusFrame last, OpusFrame before_last) {
    const Bytes frame(primary, 7);
    const RedUpConversion red({frame, 100'000}, {last, before_last});
    Bytes out(2'000);
    REQUIRE(red.write(out));
    out.resize(red.size());
    const auto parsed = wire::parse_red(out);
    REQUIRE(parsed);
    CHECK(parsed->primary().payload_type == 111);
    CHECK(to_vector(parsed->primary().data) == frame);
    std::vector<Block> result;
    for (const wire::RedBlock& block : parsed->redundant()) {
        CHECK(block.payload_type == 111);
        result.push_back({block.timestamp_offset, block.data.size()});
    }
    return result;
}

using Blocks = std::vector<Block>;

TEST_CASE("RedUpConversion: with a frame go the two before it, oldest first [IN-32]") {
    const Bytes one(40, 1);
    const Bytes two(30, 2);
    CHECK(blocks_of(50, {one, 100'000 - 960}, {two, 100'000 - 1'920}) ==
          Blocks{{1'920, 30}, {960, 40}});
    CHECK(blocks_of(50, {one, 100'000 - 960}, {}) == Blocks{{960, 40}});
    CHECK(blocks_of(50, {}, {two, 100'000 - 1'920}) == Blocks{{1'920, 30}});
    CHECK(blocks_of(50, {}, {}).empty());
}

TEST_CASE("RedUpConversion: what is too old, or no older, does not go with it [IN-32]") {
    const Bytes one(40, 1);
    CHECK(blocks_of(50, {one, 100'000 - 16'383}, {}) == Blocks{{16'383, 40}});
    CHECK(blocks_of(50, {one, 100'000 - 16'384}, {}).empty());
    CHECK(blocks_of(50, {one, 100'000}, {}).empty());
    CHECK(blocks_of(50, {one, 100'001}, {}).empty());
}

TEST_CASE("RedUpConversion: what does not fit its field or the packet stays away [IN-32]") {
    const Bytes largest(1'023, 1);
    const Bytes larger(1'024, 1);
    const Bytes small(20, 2);
    const OpusFrame before{small, 100'000 - 1'920};
    CHECK(blocks_of(50, {largest, 100'000 - 960}, {}) == Blocks{{960, 1'023}});
    CHECK(blocks_of(50, {larger, 100'000 - 960}, before) == Blocks{{1'920, 20}});
    // Of 1150 octets five are heads, and four more with the second.
    CHECK(blocks_of(1'150 - 5 - 20, {small, 100'000 - 960}, before) == Blocks{{960, 20}});
    CHECK(blocks_of(1'150 - 5 - 19, {small, 100'000 - 960}, before).empty());
    CHECK(blocks_of(1'150 - 9 - 40, {small, 100'000 - 960}, before).size() == 2);
    CHECK(blocks_of(1'150 - 8 - 40, {small, 100'000 - 960}, before) == Blocks{{960, 20}});
    CHECK(blocks_of(1'275, {small, 100'000 - 960}, before).empty());
}

TEST_CASE("RedUpConversion: nothing is written where there is no room [IN-32]") {
    const Bytes frame(50, 7);
    const RedUpConversion red({frame, 100'000}, {{{frame, 99'040}, {}}});
    REQUIRE(red.size() == 105);
    Bytes out(104);
    CHECK_FALSE(red.write(out));
}

}  // namespace
}  // namespace confab::sfu
