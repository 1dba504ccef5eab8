// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/ice/candidate.h"

#include <doctest/doctest.h>

using namespace confab;
using namespace confab::wire;

TEST_CASE("candidate: lines of browsers and servers come back as they were [ICE-07][ICE-13]") {
    // Chromium 12x, Firefox 12x (upper-case transport, tcptype), upstream's own with ufrag last.
    for (
        const char* line : {
            "candidate:2878742611 1 udp 2130706431 127.0.0.1 27002 typ host ufrag AUfvtHZWfCzKLQEH",
            "candidate:1469377455 1 tcp 1671430143 fd00::2 27001 typ host tcptype passive ufrag "
            "aparzyBwfZhFVRMO",
            "candidate:1001488084 1 udp 2122063615 192.0.2.2 38782 typ host generation 0 "
            "network-id 1",
            "candidate:842163049 1 udp 1677729535 203.0.113.9 46154 typ srflx raddr 10.0.0.5 rport "
            "46154 generation 0 network-id 1 network-cost 50 ufrag 4Zcd",
            "candidate:1 2 tcp 1518280447 192.0.2.7 9 typ relay raddr 203.0.113.9 rport 1 tcptype "
            "so",
        }) {
        const auto candidate = parse_candidate(line);
        REQUIRE(candidate);
        CHECK(to_string(*candidate) == line);
        CHECK(parse_candidate(std::string("a=") + line + "\r\n") == candidate);
        CHECK(parse_candidate(std::string_view(line).substr(10)) == candidate);
    }
}

TEST_CASE("candidate: fields") {
    const auto c = parse_candidate(
        "candidate:842163049 1 UDP 1677729535 203.0.113.9 46154 typ srflx raddr 10.0.0.5 rport 999 "
        "generation 0 ufrag 4Zcd network-id 3");
    REQUIRE(c);
    CHECK(c->foundation == "842163049");
    CHECK(c->component == 1);
    CHECK(c->transport == CandidateTransport::kUdp);
    CHECK(c->priority == 1677729535);
    CHECK(c->address.to_string() == "203.0.113.9:46154");
    CHECK(c->type == CandidateType::kServerReflexive);
    CHECK(c->related->to_string() == "10.0.0.5:999");
    CHECK(c->ufrag == "4Zcd");
    REQUIRE(c->extensions.size() == 2);
    CHECK(c->extensions[1].first == "network-id");
    CHECK(c->extensions[1].second == "3");
}

TEST_CASE("candidate: .local names are told apart, other names are an error [ICE-12]") {
    const auto mdns = parse_candidate(
        "candidate:1 1 udp 2113937151 4f9f2c1e-6c37-4a0e-9f0a-0d2b4cf5e1aa.local 50000 typ host");
    REQUIRE(mdns);
    CHECK(mdns->is_mdns());
    CHECK(mdns->address.ip.is_none());
    CHECK(parse_candidate(to_string(*mdns)) == mdns);
    const auto name = parse_candidate("candidate:1 1 udp 1 example.com 50000 typ host");
    CHECK(name.error() == CandidateError::kBadAddress);
    CHECK(parse_candidate("candidate:1 1 udp 1 .local 5 typ host").error() ==
          CandidateError::kBadAddress);
    CHECK(parse_candidate("candidate:1 1 udp 1 1.2.3.256 5 typ host").error() ==
          CandidateError::kBadAddress);
    const auto zone = parse_candidate("candidate:1 1 udp 1 fe80::1%eth0 5 typ host");
    REQUIRE(zone);
    CHECK(zone->address.ip.is_link_local());
}

TEST_CASE("candidate: bad lines give the right error") {
    const auto error = [](std::string_view line) { return parse_candidate(line).error(); };
    CHECK(error("") == CandidateError::kSyntax);
    CHECK(error("candidate:") == CandidateError::kSyntax);
    CHECK(error("1 0 udp 1 1.2.3.4 5 typ host") == CandidateError::kSyntax);
    CHECK(error("1 257 udp 1 1.2.3.4 5 typ host") == CandidateError::kSyntax);
    CHECK(error("1 1 sctp 1 1.2.3.4 5 typ host") == CandidateError::kUnknownTransport);
    CHECK(error("1 1 udp 4294967296 1.2.3.4 5 typ host") == CandidateError::kSyntax);
    CHECK(error("1 1 udp 1 1.2.3.4 65536 typ host") == CandidateError::kSyntax);
    CHECK(error("1 1 udp 1 1.2.3.4 5 type host") == CandidateError::kSyntax);
    CHECK(error("1 1 udp 1 1.2.3.4 5 typ wormhole") == CandidateError::kUnknownType);
    CHECK(error("1 1 udp 1 1.2.3.4 5 typ host rport 5") == CandidateError::kSyntax);
    CHECK(error("1 1 tcp 1 1.2.3.4 5 typ host tcptype lazy") == CandidateError::kSyntax);
    CHECK(error("1 1 udp 1 1.2.3.4 5 typ host\na=x") == CandidateError::kSyntax);
    CHECK(error(std::string(kMaxCandidateLine + 1, '1')) == CandidateError::kTooLong);
    CHECK(error("123456789012345678901234567890123 1 udp 1 1.2.3.4 5 typ host") ==
          CandidateError::kSyntax);
    // Cut anywhere before its type is complete, a line is not a candidate.
    const std::string_view line = "candidate:28 1 udp 2130706431 127.0.0.1 27002 typ host";
    for (std::size_t size = 0; size < line.size(); ++size)
        CHECK_FALSE(parse_candidate(line.substr(0, size)));
}

TEST_CASE("candidate: the number of extensions is bounded") {
    std::string line = "1 1 udp 1 1.2.3.4 5 typ host";
    for (int i = 0; i < 100; ++i)
        line += " a b";
    CHECK(parse_candidate(line)->extensions.size() == kMaxCandidateExtensions);
}

TEST_CASE("candidate: priorities and foundations as recorded at upstream [ICE-07]") {
    using enum CandidateType;
    const auto udp = CandidateTransport::kUdp;
    const auto tcp = CandidateTransport::kTcp;
    CHECK(local_preference(tcp, TcpType::kPassive) == 40959);
    CHECK(candidate_priority(type_preference(kHost, udp), local_preference(udp, TcpType::kNone)) ==
          2130706431);
    CHECK(candidate_priority(type_preference(kHost, tcp),
                             local_preference(tcp, TcpType::kPassive)) == 1671430143);
    CHECK(type_preference(kHost, tcp) == 99);
    CHECK(type_preference(kPeerReflexive, udp) == 110);
    CHECK(type_preference(kServerReflexive, udp) == 100);
    CHECK(type_preference(kRelay, udp) == 0);
    CHECK(type_preference(kRelay, tcp) == 0);
    CHECK(candidate_priority(126, 65535, 2) == 2130706430);
    CHECK(candidate_foundation(kHost, *IpAddress::parse("127.0.0.1"), udp) == "2878742611");
    CHECK(candidate_foundation(kHost, *IpAddress::parse("fd00::2"), tcp) == "1469377455");
}

TEST_CASE("candidate: the type can be guessed from the priorities of browsers") {
    CHECK(type_from_priority(2130706431) == CandidateType::kHost);
    CHECK(type_from_priority(1518285567) == CandidateType::kHost);  // Chromium TCP
    CHECK(type_from_priority(1671430143) == CandidateType::kHost);
    CHECK(type_from_priority(1845501695) == CandidateType::kPeerReflexive);
    CHECK(type_from_priority(1686052863) == CandidateType::kServerReflexive);
    CHECK(type_from_priority(41886207) == CandidateType::kRelay);
}
