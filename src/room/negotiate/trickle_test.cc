// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/trickle.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::room {

TEST_CASE("Trickle: a candidate of 4096 octets of JSON is read, one of more is not [SIG-03]") {
    const auto of_size = [](std::size_t size) {
        std::string json = R"({"candidate":""})";
        json.insert(json.size() - 2, size - json.size(), 'x');
        return json;
    };
    REQUIRE(parse_candidate_init(of_size(4'096)));
    CHECK(parse_candidate_init(of_size(4'096))->starts_with("xxx"));
    CHECK_FALSE(parse_candidate_init(of_size(4'097)));
}

TEST_CASE("Trickle: order, JSON both ways, hostile input [SIG-03] [ICE-07] [ICE-13]") {
    WorkerAddresses addresses;
    addresses.udp = {*SocketAddress::parse("[fd00::2]:7882"),
                     *SocketAddress::parse("10.0.0.1:7882")};
    addresses.tcp = {*SocketAddress::parse("10.0.0.1:7881")};
    const auto lines = candidate_lines(addresses, "abc", false);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].ends_with(" 1 udp 2130706431 10.0.0.1 7882 typ host ufrag abc"));
    CHECK(lines[2].ends_with(" typ host tcptype passive ufrag abc"));
    CHECK(candidate_lines(addresses, "abc", true).size() == 1);
    // The foundations that the recorded server gives (ICE-07).
    addresses.udp = {*SocketAddress::parse("127.0.0.1:7882")};
    CHECK(candidate_lines(addresses, "abc", false)[0].starts_with("2878742611 1 udp "));
    const auto text = parse_candidate_init(candidate_init(lines[0]));
    REQUIRE(text);
    const auto candidate = parse_candidate(*text);
    REQUIRE(candidate);
    CHECK(candidate->address.to_string() == "10.0.0.1:7882");
    CHECK(candidate->priority == 2'130'706'431);
    CHECK(parse_candidate_init(R"({"candidate":""})").value().empty());
    CHECK_FALSE(parse_candidate_init(""));
    CHECK_FALSE(parse_candidate_init("{"));
    CHECK_FALSE(parse_candidate_init("null"));
    CHECK_FALSE(parse_candidate_init(std::string(100'000, '[')));
    CHECK_FALSE(candidate->relayed);
    CHECK(
        parse_candidate("candidate:1 1 udp 1 10.0.0.1 5 typ relay raddr 0.0.0.0 rport 0")->relayed);
    CHECK_FALSE(parse_candidate("candidate:1 1 udp 1 x.local 5 typ host"));
    CHECK_FALSE(parse_candidate("candidate:1 1 tcp 1 10.0.0.1 9 typ host tcptype active"));
    for (std::size_t size = 0; size < lines[0].size(); ++size)
        (void)parse_candidate(std::string_view(lines[0]).substr(0, size));
    CHECK(remote_ice_of("a=ice-ufrag:u1\r\na=ice-pwd:p1\r\n") == RemoteIce{"u1", "p1"});
}

}  // namespace confab::room
