// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two connections talk to each other: one offers, the other answers.

#include "client/connection/connection.h"

#include <doctest/doctest.h>

#include "client/connection/connection_testing.h"
#include "wire/rtp/rtp.h"

namespace confab::client {
namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000);

TEST_CASE("Connection: offer and answer connect, channels open, messages arrive [SIG-78]") {
    Pair pair;
    CHECK_FALSE(pair.offerer().send_message(kStart, "_reliable", Bytes(3)));
    pair.negotiate();
    pair.run(Duration::seconds(1));
    REQUIRE(pair.offerer().connected());
    REQUIRE(pair.answerer().connected());
    CHECK(pair.offerer().channels() == 3);
    CHECK(pair.answerer().has_channel("_data_track"));
    CHECK(pair.offerer().send_message(pair.now, "_reliable", Bytes{1, 2, 3}));
    CHECK(pair.answerer().send_message(pair.now, "_lossy", Bytes{4}));
    CHECK_FALSE(pair.offerer().send_message(pair.now, "no such", Bytes{4}));
    pair.run(Duration::millis(200));
    CHECK(pair.messages == std::vector<Bytes>{{1, 2, 3}, {4}});
}

TEST_CASE("Connection: media is encrypted for the other end, and waits for the connection") {
    Pair pair;
    wire::RtpHeader header;
    header.payload_type = kOpusType;
    header.ssrc = 7;
    header.sequence = 65'535;
    wire::ExtensionWriter none;
    pair.offerer().send_rtp(header, none, Bytes{9});
    pair.negotiate();
    pair.run(Duration::seconds(1));
    CHECK(pair.rtp.empty());
    for (int i = 0; i < 2; ++i, ++header.sequence)
        pair.offerer().send_rtp(header, none, Bytes{9, 9});
    pair.run(Duration::millis(20));
    REQUIRE(pair.rtp.size() == 2);
    CHECK(wire::parse_rtp(pair.rtp[1])->header.sequence == 0);
    CHECK(to_vector(wire::parse_rtp(pair.rtp[1])->payload) == Bytes{9, 9});
}

TEST_CASE("Connection: an ICE restart has other credentials and keeps what is there [ICE-14]") {
    Pair pair;
    pair.negotiate();
    pair.run(Duration::seconds(1));
    const std::string before = pair.offerer().local().ufrag;
    pair.offerer().restart_ice(pair.now);
    pair.answerer().restart_ice(pair.now);
    CHECK(pair.offerer().local().ufrag != before);
    pair.negotiate();
    CHECK(pair.answerer().remote_credentials().ufrag == pair.offerer().local().ufrag);
    pair.run(Duration::seconds(1));
    CHECK(pair.offerer().connected());
    CHECK(pair.offerer().send_message(pair.now, "_reliable", Bytes{5}));
    pair.run(Duration::millis(100));
    CHECK(pair.messages == std::vector<Bytes>{{5}});
}

TEST_CASE("Connection: passive TCP candidates wait to be opened, others are passed over [ICE-12]") {
    Pair pair;
    Connection& c = pair.offerer();
    c.add_candidate(kStart, "candidate:1 1 tcp 7 10.0.0.9 443 typ host tcptype passive");
    c.add_candidate(kStart, "candidate:1 1 tcp 7 10.0.0.9 9 typ host tcptype active");
    c.add_candidate(kStart, "candidate:1 1 udp 7 a-b.local 443 typ host");
    c.add_candidate(kStart, "nonsense");
    const auto waiting = c.take_tcp_candidates();
    REQUIRE(waiting.size() == 1);
    CHECK(waiting[0].port == 443);
    CHECK(c.take_tcp_candidates().empty());
    for (std::size_t i = 0; i < 2 * Connection::kMaxTcpCandidates; ++i)
        c.add_candidate(kStart, "candidate:1 1 tcp 7 10.0.0.9 443 typ host tcptype passive");
    CHECK(c.take_tcp_candidates().size() == Connection::kMaxTcpCandidates);
}

TEST_CASE("Connection: a description without sections is none") {
    Pair pair;
    CHECK_FALSE(pair.offerer().set_remote(kStart, {}, true));
}

}  // namespace
}  // namespace confab::client
