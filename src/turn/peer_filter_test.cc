// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "turn/peer_filter.h"

#include <doctest/doctest.h>

#include <string_view>

using namespace confab;
using namespace confab::turn;

namespace {

IpAddress ip(std::string_view text) {
    const auto parsed = IpAddress::parse(text);
    REQUIRE_MESSAGE(parsed.has_value(), text);
    return *parsed;
}

std::vector<Cidr> blocks(std::initializer_list<std::string_view> texts) {
    std::vector<Cidr> result;
    for (const std::string_view text : texts)
        result.push_back(*Cidr::parse(text));
    return result;
}

}  // namespace

TEST_CASE("PeerFilter: whatever leads into private networks is refused, however written [SEC-01]") {
    const PeerFilter filter({});
    for (const std::string_view text : {"0.0.0.0",
                                        "0.1.2.3",
                                        "10.0.0.1",
                                        "10.255.255.255",
                                        "100.64.0.1",
                                        "100.127.255.255",
                                        "127.0.0.1",
                                        "127.255.255.255",
                                        "169.254.0.1",
                                        "169.254.169.254",
                                        "172.16.0.1",
                                        "172.31.255.255",
                                        "192.0.0.1",
                                        "192.168.0.1",
                                        "198.18.0.1",
                                        "198.19.255.255",
                                        "224.0.0.1",
                                        "239.255.255.255",
                                        "240.0.0.1",
                                        "255.255.255.255",
                                        "::",
                                        "::1",
                                        "::127.0.0.1",
                                        "::ffff:127.0.0.1",
                                        "::ffff:10.0.0.1",
                                        "::ffff:a9fe:a9fe",
                                        "64:ff9b::10.0.0.1",
                                        "64:ff9b::7f00:1",
                                        "64:ff9b:1::1",
                                        "2002:7f00:1::",
                                        "2002:a00:1::1",
                                        "2002:a9fe:a9fe::",
                                        "2001::1",
                                        "fc00::1",
                                        "fd00:ec2::254",
                                        "fdff::1",
                                        "fe80::1",
                                        "febf::1",
                                        "fec0::1",
                                        "ff02::1",
                                        "ff00::"}) {
        INFO(text);
        CHECK_FALSE(filter.allows(ip(text)));
        CHECK_FALSE(filter.allows(SocketAddress{ip(text), 50000}));
    }
    CHECK_FALSE(filter.allows(IpAddress()));
}

TEST_CASE("PeerFilter: public addresses pass, up to the edges of the blocks [SEC-01]") {
    const PeerFilter filter({});
    for (const std::string_view text :
         {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
          "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255",
          "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255", "2600::1", "2a00::1",
          "64:ff9b::1.1.1.1", "2002:101:101::1", "::ffff:1.1.1.1"}) {
        INFO(text);
        CHECK(filter.allows(ip(text)));
        CHECK(filter.allows(SocketAddress{ip(text), 50000}));
        CHECK_FALSE(filter.allows(SocketAddress{ip(text), 0}));
    }
}

TEST_CASE(
    "PeerFilter: an allowed block opens what is restricted, a denied one closes it [TURN-06]") {
    PeerRules rules;
    rules.allow_restricted = blocks({"10.1.0.0/16", "fd00::/8"});
    rules.deny = blocks({"10.1.9.0/24", "1.1.1.0/24"});
    const PeerFilter filter(rules);
    CHECK(filter.allows(ip("10.1.2.3")));
    CHECK(filter.allows(ip("::ffff:10.1.2.3")));
    CHECK(filter.allows(ip("fd00:ec2::254")));
    CHECK_FALSE(filter.allows(ip("10.2.0.1")));
    CHECK_FALSE(filter.allows(ip("10.1.9.1")));
    CHECK_FALSE(filter.allows(ip("1.1.1.1")));
    for (const std::string_view same : {"::ffff:1.1.1.1", "64:ff9b::1.1.1.1", "2002:101:101::"})
        CHECK_FALSE(filter.allows(ip(same)));
    CHECK(filter.allows(ip("1.1.2.1")));
}

TEST_CASE("PeerFilter: our own media ports are reached although the address is private [SEC-01]") {
    PeerRules rules;
    rules.own_media = {{ip("192.168.1.5"), {{7882, 7882}, {50000, 60000}}}, {ip("8.8.8.8"), {}}};
    const PeerFilter filter(rules);
    CHECK(filter.allows(ip("192.168.1.5")));
    CHECK_FALSE(filter.allows(ip("192.168.1.6")));
    const auto reached = [&](std::string_view text, std::uint16_t port) {
        return filter.allows(SocketAddress{ip(text), port});
    };
    CHECK(reached("192.168.1.5", 7882));
    CHECK(reached("::ffff:192.168.1.5", 7882));
    CHECK(reached("192.168.1.5", 50000));
    CHECK(reached("192.168.1.5", 60000));
    for (const std::uint16_t port :
         std::initializer_list<std::uint16_t>{1, 22, 6379, 7880, 7881, 49999, 60001})
        CHECK_FALSE(reached("192.168.1.5", port));
    CHECK_FALSE(reached("8.8.8.8", 7880));  // public, but ours

    // Named by the operator the host is open, but not against a denial.
    rules.allow_restricted = blocks({"192.168.0.0/16"});
    CHECK(PeerFilter(rules).allows(SocketAddress{ip("192.168.1.5"), 6379}));
    rules.deny = blocks({"192.168.1.5/32"});
    CHECK_FALSE(PeerFilter(rules).allows(SocketAddress{ip("192.168.1.5"), 7882}));
}
