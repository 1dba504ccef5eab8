// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/ice/remote_candidates.h"

#include <doctest/doctest.h>

#include "rtc/ice/test_net.h"

using namespace confab;
using namespace confab::ice;
using test::remote;

namespace {

Pair pair_to(const char* address, CandidateType type) {
    Pair pair;
    pair.path.remote = test::addr(address);
    pair.remote_type = type;
    return pair;
}

}  // namespace

TEST_CASE("RemoteCandidates: an address once per protocol, TCP never [ICE-15]") {
    RemoteCandidates candidates;
    CHECK(candidates.add(remote("203.0.113.1:5000")));
    CHECK_FALSE(candidates.add(remote("203.0.113.1:5000", CandidateType::kRelay)));
    CHECK(candidates.add(remote("203.0.113.1:5001")));
    RemoteCandidate tcp = remote("203.0.113.1:5002");
    tcp.protocol = Protocol::kTcp;
    CHECK_FALSE(candidates.add(tcp));
    CHECK(candidates.size() == 2);
    candidates.clear();
    CHECK(candidates.add(remote("203.0.113.1:5000")));
}

TEST_CASE("RemoteCandidates: nobody makes us send to where nothing can answer") {
    RemoteCandidates candidates;
    for (const char* address :
         {"203.0.113.1:0", "0.0.0.0:5000", "224.0.0.1:5000", "255.255.255.255:5000",
          "240.0.0.1:5000", "[::]:5000", "[ff02::1]:5000"})
        CHECK_FALSE(candidates.add(remote(address)));
    CHECK(candidates.size() == 0);
    for (const char* address : {"223.255.255.255:5000", "[fe80::1]:5000", "127.0.0.1:5000"})
        CHECK(candidates.add(remote(address)));
}

TEST_CASE("RemoteCandidates: no more than the limit") {
    RemoteCandidates candidates;
    for (std::uint16_t i = 1; i <= kMaxRemoteCandidates + 1; ++i) {
        RemoteCandidate candidate = remote("203.0.113.1:1");
        candidate.address.port = i;
        CHECK(candidates.add(candidate) == (i <= kMaxRemoteCandidates));
    }
    CHECK(candidates.size() == kMaxRemoteCandidates);
}

TEST_CASE("RemoteCandidates: peer-reflexive at a relay's address is that relay [ICE-18]") {
    RemoteCandidates candidates;
    REQUIRE(candidates.add(remote("203.0.113.9:3478", CandidateType::kRelay)));
    REQUIRE(candidates.add(remote("203.0.113.1:5000", CandidateType::kHost)));
    const auto type_of = [&](const char* address, CandidateType type) {
        return candidates.type_of(pair_to(address, type));
    };
    CHECK(type_of("203.0.113.9:1", CandidateType::kPeerReflexive) == CandidateType::kRelay);
    CHECK(type_of("203.0.113.1:1", CandidateType::kPeerReflexive) == CandidateType::kPeerReflexive);
    CHECK(type_of("203.0.113.9:1", CandidateType::kHost) == CandidateType::kHost);
    CHECK(type_of("203.0.113.7:1", CandidateType::kServerReflexive) ==
          CandidateType::kServerReflexive);
}
