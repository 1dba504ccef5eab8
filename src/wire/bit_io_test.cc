// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/bit_io.h"

#include "wire/video/media_test_util.h"

namespace confab::wire {
namespace {

TEST_CASE("BitReader: fields over byte borders, sticky error") {
    const Bytes bytes = hex("a5c3ff");
    BitReader reader(bytes);
    CHECK(reader.bits(3) == 5);
    CHECK(reader.bits(7) == 0x17);
    CHECK(reader.flag() == false);
    CHECK(reader.position() == 11);
    CHECK(reader.bits(14) == 0);
    CHECK_FALSE(reader.ok());
    CHECK(reader.bits(1) == 0);
    CHECK(reader.remaining() == 0);
    BitReader wide(bytes);
    wide.skip(1);
    CHECK(wide.bits(23) == 0x25C3FF);
    wide.skip(1);
    CHECK_FALSE(wide.ok());
}

TEST_CASE("BitReader: exp-golomb codes of ITU-T H.264 table 9-2") {
    // 1, 010, 011, 00100, 00101
    const Bytes bytes = hex("a64280");
    BitReader reader(bytes);
    for (std::uint32_t value = 0; value < 5; ++value)
        CHECK(reader.exp_golomb() == value);
    BitReader with_sign(bytes);
    for (const std::int32_t value : {0, 1, -1, 2, -2})
        CHECK(with_sign.signed_exp_golomb() == value);
    const Bytes longest = hex("00000001fffffffe");  // 31 zeros, 1, 31 ones
    BitReader last(longest);
    CHECK(last.exp_golomb() == 0xFFFFFFFE);
    const Bytes endless(20, 0);
    BitReader none(endless);
    CHECK(none.exp_golomb() == 0);
    CHECK_FALSE(none.ok());
}

TEST_CASE("BitReader and BitWriter: non-symmetric numbers of every bound") {
    for (std::uint32_t bound = 1; bound <= 40; ++bound) {
        for (std::uint32_t value = 0; value < bound; ++value) {
            std::array<std::uint8_t, 2> buffer{0xFF, 0xFF};
            BitWriter out(buffer);
            out.non_symmetric(value, bound);
            REQUIRE(out.ok());
            CHECK(out.position() <= static_cast<std::size_t>(std::bit_width(bound)));
            BitReader reader(buffer);
            CHECK(reader.non_symmetric(bound) == value);
            CHECK(reader.position() == out.position());
        }
    }
}

TEST_CASE("BitWriter: random fields are read again, and never behind the buffer") {
    Rng rng(8);
    for (int round = 0; round < 500; ++round) {
        Bytes buffer(rng.below(40));
        rng.fill(buffer);
        std::vector<std::pair<std::uint32_t, unsigned>> fields;
        BitWriter out(buffer);
        while (out.ok()) {
            const auto width = static_cast<unsigned>(rng.below(33));
            const auto value = static_cast<std::uint32_t>(rng.u64() & ((1ULL << width) - 1));
            out.bits(value, width);
            if (out.ok()) fields.emplace_back(value, width);
        }
        BitReader reader(buffer);
        for (const auto& [value, width] : fields)
            CHECK(reader.bits(width) == value);
        CHECK(out.bytes_used() <= buffer.size());
    }
}

}  // namespace
}  // namespace confab::wire
