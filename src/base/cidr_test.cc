// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/cidr.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "base/rng.h"

namespace confab {

TEST_CASE("Cidr: contains what shares the prefix") {
    struct Row {
        std::string_view block;
        std::string_view inside;
        std::string_view outside;  // empty: there is none of this family
    };
    constexpr Row kRows[] = {{"10.1.2.3/20", "10.1.15.255", "10.1.16.0"},
                             {"10.1.2.3/20", "10.1.0.0", "10.0.255.255"},
                             {"192.168.7.1/32", "192.168.7.1", "192.168.7.0"},
                             {"192.168.7.1/31", "192.168.7.0", "192.168.7.2"},
                             {"128.0.0.0/1", "255.0.0.1", "127.255.255.255"},
                             {"0.0.0.0/0", "255.255.255.255", ""},
                             {"10.0.0.0/8", "10.255.255.255", "11.0.0.0"},
                             {"10.0.0.0/9", "10.127.0.0", "10.128.0.0"},
                             {"fe80::/10", "febf::1", "fec0::1"},
                             {"::1/128", "::1", "::"},
                             {"2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"},
                             {"::/0", "2001:db8::1", ""},
                             {"::ffff:10.0.0.0/104", "::ffff:10.9.9.9", "::ffff:11.0.0.0"}};
    for (const Row& row : kRows) {
        CAPTURE(row.block);
        const auto block = Cidr::parse(row.block);
        REQUIRE(block);
        CHECK(block->contains(*IpAddress::parse(row.inside)));
        if (!row.outside.empty()) CHECK(!block->contains(*IpAddress::parse(row.outside)));
    }
}

TEST_CASE("Cidr: an address of the other family is in no block") {
    // Also where all bits that are looked at agree.
    CHECK(!Cidr::parse("0.0.0.0/0")->contains(*IpAddress::parse("::")));
    CHECK(!Cidr::parse("::/0")->contains(*IpAddress::parse("0.0.0.0")));
    CHECK(!Cidr::parse("10.0.0.0/8")->contains(*IpAddress::parse("a00::")));
    CHECK(!Cidr::parse("::ffff:10.0.0.0/104")->contains(*IpAddress::parse("10.0.0.1")));
    CHECK(!Cidr::parse("0.0.0.0/0")->contains(IpAddress{}));
}

TEST_CASE("Cidr: agrees with comparing bit by bit") {
    Rng rng(11);
    for (int i = 0; i < 2000; ++i) {
        const bool v6 = rng.below(2) == 1;
        std::array<std::uint8_t, 16> base{};
        for (std::uint8_t& octet : base)
            octet = static_cast<std::uint8_t>(rng.below(256));
        std::array<std::uint8_t, 16> other = base;
        const std::size_t size = v6 ? 16 : 4;
        const std::size_t flipped = rng.below(size * 8);
        other[flipped / 8] ^= static_cast<std::uint8_t>(0x80U >> (flipped % 8));
        const auto address = [&](const std::array<std::uint8_t, 16>& octets) {
            const BytesView bytes = BytesView(octets).first(size);
            return v6 ? IpAddress::v6_bytes(bytes) : IpAddress::v4_bytes(bytes);
        };
        const auto prefix = static_cast<unsigned>(rng.below(size * 8 + 1));
        const Cidr block{address(base), prefix};
        CHECK(block.contains(address(base)));
        // The first bit that differs decides.
        CHECK(block.contains(address(other)) == (flipped >= prefix));
    }
}

TEST_CASE("Cidr: what is no block is refused") {
    for (const std::string_view good : {"10.0.0.0/0", "10.0.0.0/32", "::/128", "10.0.0.7/8"})
        CHECK_MESSAGE(Cidr::parse(good), good);
    for (const std::string_view bad : {"",
                                       "/",
                                       "/8",
                                       "10.0.0.0",
                                       "10.0.0.0/",
                                       "10.0.0.0/33",
                                       "::/129",
                                       "x/8",
                                       "10.0.0.0/x",
                                       "10.0.0.0/-1",
                                       "10.0.0.0/+8",
                                       "10.0.0.0/ 8",
                                       " 10.0.0.0/8",
                                       "10.0.0.0/8 ",
                                       "10.0.0/8",
                                       "10.0.0.0/8/8",
                                       "10.0.0.0/4294967296",
                                       "10.0.0.0/255.0.0.0",
                                       "fe80::1%eth0/64",
                                       "010.0.0.0/8",
                                       "10.0.0.0-10.0.0.9"})
        CHECK_MESSAGE(!Cidr::parse(bad), bad);
    // Without a slash there is no prefix, even if all behind the address would be one.
    CHECK(!Cidr::parse("8"));
}

}  // namespace confab
