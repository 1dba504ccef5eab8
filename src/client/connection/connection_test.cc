// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two connections talk to each other: one offers, the other answers.

#include "client/connection/connection.h"

#include <doctest/doctest.h>

#include <cctype>
#include <utility>
#include <vector>

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

TEST_CASE("Connection: protects media as it was told to, and with GCM if it was not [DES-23]") {
    using enum srtp::Profile;
    for (const auto& [told, taken] :
         std::vector<std::pair<std::vector<srtp::Profile>, srtp::Profile>>{
             {{}, kAeadAes128Gcm}, {{kAes128CmSha1_80}, kAes128CmSha1_80}}) {
        Pair pair(told);
        pair.negotiate();
        pair.run(Duration::seconds(1));
        REQUIRE(pair.offerer().transport().srtp_sender() != nullptr);
        CHECK(pair.offerer().transport().srtp_sender()->profile() == taken);
    }
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

TEST_CASE("Connection: candidates in a description are as good as trickled ones [SDP-01]") {
    Pair pair;
    OfferBuilder builder(OfferSize::kLean, 1);
    const auto offer = sdp::parse(builder.offer(pair.offerer().local()));
    REQUIRE(offer.has_value());
    REQUIRE(pair.answerer().set_remote(pair.now, *offer, false));
    auto answer = *sdp::parse(answer_to(*offer, pair.answerer().local()));
    answer.sections[0].candidates = {*candidate_of(pair.answerer().candidate_init())};
    REQUIRE(pair.offerer().set_remote(pair.now, answer, true));
    pair.run(Duration::seconds(1));
    CHECK(pair.offerer().connected());
    CHECK(pair.answerer().connected());
}

TEST_CASE("Connection: credentials of the session count where the section has none [SDP-01]") {
    Pair pair;
    OfferBuilder builder(OfferSize::kLean, 1);
    sdp::Description remote =
        *sdp::parse(builder.offer({"sect", "password-of-a-section-xx", "AA"}));
    remote.ufrag = "sess";
    remote.pwd = "password-of-the-session-x";
    REQUIRE(pair.offerer().set_remote(kStart, remote, true));
    CHECK(pair.offerer().remote_credentials().ufrag == "sect");
    for (sdp::MediaSection& section : remote.sections) {
        section.ufrag.clear();
        section.pwd.clear();
    }
    REQUIRE(pair.offerer().set_remote(kStart, remote, true));
    CHECK(pair.offerer().remote_credentials().ufrag == "sess");
    CHECK(pair.offerer().remote_credentials().pwd == "password-of-the-session-x");
}

TEST_CASE("Connection: what nobody takes is dropped beyond kMaxQueued") {
    Pair pair;
    pair.negotiate();
    pair.run(Duration::seconds(1));
    REQUIRE(pair.offerer().can_send());
    while (pair.offerer().poll_transmit()) {
    }
    wire::RtpHeader header;
    header.payload_type = kOpusType;
    header.ssrc = 7;
    wire::ExtensionWriter none;
    for (std::size_t i = 0; i < Connection::kMaxQueued + 2; ++i, ++header.sequence)
        pair.offerer().send_rtp(header, none, Bytes{9});
    std::size_t queued = 0;
    while (pair.offerer().poll_transmit())
        ++queued;
    CHECK(queued == Connection::kMaxQueued);
    // An empty compound is none.
    pair.offerer().send_rtcp({});
    CHECK_FALSE(pair.offerer().poll_transmit().has_value());
}

TEST_CASE("Connection: credentials are long enough, of letters and digits, and new each time") {
    Rng rng(4);
    for (const std::size_t size : {0U, 1U, 24U}) {
        const std::string text = random_text(rng, size);
        CHECK(text.size() == size);
        for (const char c : text)
            CHECK(std::isalnum(static_cast<unsigned char>(c)) != 0);
    }
    CHECK(random_text(rng, 24) != random_text(rng, 24));
    Pair pair;
    const LocalDescription before = pair.offerer().local();
    CHECK(before.ufrag.size() >= 4);  // RFC 8839 §5.4
    CHECK(before.pwd.size() >= 22);
    pair.offerer().restart_ice(kStart);
    CHECK(pair.offerer().local().ufrag != before.ufrag);
    CHECK(pair.offerer().local().pwd != before.pwd);
    CHECK(pair.offerer().local().fingerprint == before.fingerprint);
    CHECK(pair.answerer().local().ufrag != before.ufrag);
    const std::string init = pair.offerer().candidate_init();
    CHECK(init.find(pair.offerer().local().ufrag) != std::string::npos);
    CHECK(init.find("10.0.0.1 4000 typ host") != std::string::npos);
}

}  // namespace
}  // namespace confab::client
