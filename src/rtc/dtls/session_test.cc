// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Handshakes over good and bad links, profiles, fingerprints, application data.
#include "rtc/dtls/session.h"

#include "rtc/dtls/session_test_util.h"

namespace confab::dtls {
namespace {

using testing::alice;
using testing::bob;
using testing::check_keys_cross;
using testing::Pair;

TEST_CASE("DtlsSession: two ends agree on keys within two round trips [DTLS-01][SRTP-04]") {
    Pair pair = Pair::honest();
    pair.start();
    pair.run(Duration::seconds(10));
    check_keys_cross(pair.client, pair.server);
    CHECK(pair.now - Timestamp::micros(1'000'000) <= Duration::millis(90));
    CHECK(pair.client.session.connected());
    CHECK(pair.client.session.role() == Role::kClient);
    CHECK(pair.client.session.next_deadline().is_never());
    CHECK(pair.server.session.next_deadline().is_never());
    CHECK(pair.client.session.snapshot().retransmissions == 0);
    for (const auto& end : {&pair.client, &pair.server})
        for (const Bytes& datagram : end->sent)
            CHECK(datagram.size() <= kMtu);
}

TEST_CASE("DtlsSession: each profile is chosen, by the server's order [DTLS-06]") {
    using P = SrtpProfile;
    struct Case {
        std::vector<P> client, server;
        P chosen;
    };
    const Case cases[] = {
        {{}, {}, P::kAeadAes128Gcm},
        {{P::kAes128CmSha1_80}, {}, P::kAes128CmSha1_80},
        {{}, {P::kAeadAes256Gcm}, P::kAeadAes256Gcm},
        {{P::kAes128CmSha1_80, P::kAeadAes256Gcm},
         {P::kAeadAes256Gcm, P::kAes128CmSha1_80},
         P::kAeadAes256Gcm},
        {{P::kAeadAes128Gcm, P::kAes128CmSha1_80}, {P::kAes128CmSha1_80}, P::kAes128CmSha1_80},
    };
    for (const Case& c : cases) {
        Pair pair(Pair::trusting(bob(), c.client), Pair::trusting(alice(), c.server));
        pair.start();
        pair.run(Duration::seconds(10));
        check_keys_cross(pair.client, pair.server);
        CHECK(pair.client.connected->srtp->profile == c.chosen);
    }
    Pair none(Pair::trusting(bob(), {P::kAeadAes128Gcm}),
              Pair::trusting(alice(), {P::kAes128CmSha1_80}));
    none.start();
    none.run(Duration::seconds(10));
    REQUIRE(none.client.connected);
    CHECK_FALSE(none.client.connected->srtp.has_value());
}

TEST_CASE("DtlsSession: 30 % loss, duplicates and reordering, in virtual time [DTLS-04][MC-04]") {
    std::vector<std::int64_t> times;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        testing::LinkConfig link;
        link.loss = 0.3;
        link.duplicate = 0.2;
        link.jitter = Duration::millis(30);
        Pair pair = Pair::honest(link, seed);
        const Timestamp begin = pair.now;
        pair.start();
        pair.run(Duration::seconds(70));
        CAPTURE(seed);
        check_keys_cross(pair.client, pair.server);
        times.push_back((pair.now - begin).ms());
    }
    std::sort(times.begin(), times.end());
    MESSAGE("handshake under 30 % loss: median ms " << times[times.size() / 2] << ", worst "
                                                    << times.back());
    CHECK(times[times.size() / 2] < 3000);
}

TEST_CASE("DtlsSession: the first flight is repeated after 100, 200, 400 ms [DTLS-04]") {
    Config config = Pair::trusting(bob());
    config.role = Role::kClient;
    Session session(alice().context, config);
    Timestamp now = Timestamp::micros(5);
    session.start(now);
    std::int64_t expected = 100;
    for (int i = 0; i < 12; ++i, expected = std::min<std::int64_t>(expected * 2, 2000)) {
        std::size_t datagrams = 0;
        while (session.poll_transmit())
            ++datagrams;
        CHECK(datagrams == 1);
        CHECK((session.next_deadline() - now).ms() == expected);
        session.handle_timeout(now + Duration::millis(expected - 1));
        CHECK_FALSE(session.poll_transmit().has_value());
        now = session.next_deadline();
        session.handle_timeout(now);
        session.handle_timeout(now);  // twice does no harm
    }
    CHECK(session.snapshot().retransmissions == 12);
    const auto last = session.poll_transmit();
    REQUIRE(last);
    // Then the last of them as it is, until the handshake has to be through.
    const Timestamp end = Timestamp::micros(5) + kHandshakeLimit;
    for (; session.next_deadline() < end; now = session.next_deadline()) {
        CHECK(session.next_deadline() - now <= kMaxRetransmit);
        session.handle_timeout(session.next_deadline());
        CHECK(session.poll_transmit() == last);
        CHECK_FALSE(session.poll_transmit());
    }
    CHECK(session.next_deadline() == end);
    session.handle_timeout(end);
    CHECK(session.failed());
}

TEST_CASE("DtlsSession: a handshake goes on when its path works after 20 s [DTLS-04][ICE-17]") {
    // What is lost: all, or only what a server or a client says behind the first flight.
    for (const std::size_t through : {0U, 1U, 2U, 3U}) {
        CAPTURE(through);
        Pair pair = Pair::honest({});
        pair.start();
        for (std::size_t i = 0; i < through; ++i)
            pair.run_all(Duration::millis(20));
        pair.lose_everything_in_flight();
        pair.set_link({.loss = 1});
        pair.run_all(Duration::seconds(20));
        REQUIRE_FALSE(pair.settled());
        pair.set_link({});
        pair.run(Duration::millis(2200));
        check_keys_cross(pair.client, pair.server);
    }
}

// Else a path would get what was meant for another one, too.
TEST_CASE("DtlsSession: repetitions that nobody fetched do not pile up behind 17 s [DTLS-04]") {
    Config config = Pair::trusting(bob());
    config.role = Role::kClient;
    Session session(alice().context, config);
    session.start(Timestamp::micros(5));
    while (session.next_deadline() < Timestamp::micros(5) + kHandshakeLimit)
        session.handle_timeout(session.next_deadline());
    std::size_t datagrams = 0;
    while (session.poll_transmit())
        ++datagrams;
    CHECK(datagrams == 13);
}

TEST_CASE("DtlsSession: nobody answers: failed after 60 s, once [DTLS-04]") {
    for (const Role role : {Role::kClient, Role::kServer}) {
        Config config = Pair::trusting(bob());
        config.role = role;
        Session session(alice().context, config);
        Timestamp now = Timestamp::micros(77);
        CHECK(session.next_deadline().is_never());
        session.start(now);
        while (!session.failed()) {
            REQUIRE_FALSE(session.next_deadline().is_never());
            now = session.next_deadline();
            session.handle_timeout(now);
            while (session.poll_transmit()) {
            }
        }
        CHECK(now == Timestamp::micros(77) + kHandshakeLimit);
        const auto event = session.poll_event();
        REQUIRE(event);
        CHECK(std::get<Failed>(*event).reason == FailureReason::kTimeout);
        CHECK_FALSE(session.poll_event().has_value());
        CHECK(session.next_deadline().is_never());
    }
}

TEST_CASE("DtlsSession: a late timer still retransmits, once [DTLS-04]") {
    Config config = Pair::trusting(bob());
    config.role = Role::kClient;
    Session session(alice().context, config);
    session.start(Timestamp::micros(0));
    while (session.poll_transmit()) {
    }
    session.handle_timeout(Timestamp::micros(0) + Duration::seconds(20));
    std::size_t datagrams = 0;
    while (session.poll_transmit())
        ++datagrams;
    CHECK(datagrams == 1);
}

TEST_CASE("DtlsSession: fingerprints of every hash, any of several [DTLS-03]") {
    using A = crypto::DigestAlgorithm;
    for (const A algorithm : {A::kSha1, A::kSha256, A::kSha384, A::kSha512}) {
        Config client = Pair::trusting(bob());
        client.fingerprints = {alice().fingerprint(algorithm), bob().fingerprint(algorithm)};
        Pair pair(client, Pair::trusting(alice()));
        pair.start();
        pair.run(Duration::seconds(10));
        check_keys_cross(pair.client, pair.server);
    }
}

TEST_CASE(
    "DtlsSession: a wrong fingerprint gives an alert and neither keys nor data [IMM-6][DTLS-13]") {
    Fingerprint wrong = bob().fingerprint();
    wrong.value[7] ^= 1;
    Fingerprint cut = bob().fingerprint();
    cut.value.resize(31);
    for (const Fingerprint& bad : {wrong, cut, Fingerprint{}}) {
        for (const bool at_client : {true, false}) {
            Config suspicious;
            suspicious.fingerprints = {at_client ? bad : Fingerprint{}};
            Pair pair(at_client ? suspicious : Pair::trusting(bob()),
                      at_client ? Pair::trusting(alice()) : suspicious);
            pair.start();
            pair.run(Duration::seconds(10));
            testing::Endpoint& judge = at_client ? pair.client : pair.server;
            testing::Endpoint& other = at_client ? pair.server : pair.client;
            REQUIRE(judge.failed);
            CHECK(judge.failed->reason == FailureReason::kFingerprint);
            CHECK(pair.now - Timestamp::micros(1'000'000) <= Duration::millis(100));
            REQUIRE_FALSE(judge.sent.empty());
            CHECK(judge.sent.back()[0] == 21);  // the alert record
            CHECK_FALSE(judge.session.send_application_data(as_bytes("x")));
            (void)other.session.send_application_data(as_bytes("secret"));
            pair.collect();
            pair.run_all(Duration::seconds(61));
            CHECK_FALSE(judge.connected.has_value());
            CHECK_FALSE(other.connected.has_value());
            CHECK(judge.received.empty());
            CHECK(other.received.empty());
        }
    }
}

TEST_CASE("DtlsSession: nothing is visible until the fingerprint is known [IMM-6]") {
    for (const bool good : {true, false}) {
        Pair pair(Pair::trusting(bob()), Config{});
        pair.start();
        pair.run_all(Duration::seconds(1));
        REQUIRE(pair.client.connected);
        CHECK_FALSE(pair.server.connected.has_value());
        CHECK_FALSE(pair.server.session.connected());
        CHECK(pair.client.session.send_application_data(as_bytes("early")));
        pair.collect();
        pair.run_all(Duration::seconds(1));
        CHECK(pair.server.received.empty());
        CHECK(pair.server.session.snapshot().unverified_data == 1);
        CHECK_FALSE(pair.server.session.send_application_data(as_bytes("x")));
        CHECK_FALSE(pair.server.session.next_deadline().is_never());

        pair.server.session.set_expected_fingerprints(
            pair.now, {good ? alice().fingerprint() : bob().fingerprint()});
        // A second set can not replace the first.
        pair.server.session.set_expected_fingerprints(pair.now, {alice().fingerprint()});
        pair.collect();
        if (good) {
            check_keys_cross(pair.client, pair.server);
            CHECK(pair.client.session.send_application_data(as_bytes("now")));
            pair.collect();
            pair.run_all(Duration::seconds(1));
            REQUIRE(pair.server.received.size() == 1);
            CHECK(as_text(pair.server.received[0]) == "now");
        } else {
            REQUIRE(pair.server.failed);
            CHECK(pair.server.failed->reason == FailureReason::kFingerprint);
            CHECK_FALSE(pair.server.connected.has_value());
        }
    }
}

TEST_CASE("DtlsSession: fingerprints that never come end at the handshake limit [IMM-6][DTLS-04]") {
    Pair pair(Pair::trusting(bob()), Config{});
    pair.start();
    pair.run_all(Duration::seconds(61));
    REQUIRE(pair.server.failed);
    CHECK(pair.server.failed->reason == FailureReason::kTimeout);
    CHECK_FALSE(pair.server.connected.has_value());
}

TEST_CASE("DtlsSession: application data both ways keeps its borders [NET-01]") {
    Pair pair = Pair::honest();
    pair.start();
    CHECK_FALSE(pair.client.session.send_application_data(as_bytes("too early")));
    pair.run(Duration::seconds(5));
    Rng rng(4);
    std::vector<Bytes> sent;
    for (std::size_t size = 1; size <= kMaxApplicationData; size += 37) {
        Bytes data(size);
        rng.fill(data);
        CHECK(pair.client.session.send_application_data(data));
        CHECK(pair.server.session.send_application_data(data));
        pair.collect();
        sent.push_back(std::move(data));
    }
    pair.run_all(Duration::seconds(1));
    CHECK(pair.client.received == sent);
    CHECK(pair.server.received == sent);
    CHECK_FALSE(pair.client.session.send_application_data({}));
    CHECK_FALSE(pair.client.session.send_application_data(Bytes(kMaxApplicationData + 1)));
    Bytes sctp(1191);
    CHECK(pair.client.session.send_application_data(sctp));
}

TEST_CASE("DtlsSession: a lost last flight is repaired by the peer's repetition [DTLS-04]") {
    Pair pair = Pair::honest();
    pair.start();
    pair.run_all(Duration::millis(65));
    REQUIRE(pair.server.connected);
    REQUIRE_FALSE(pair.client.connected.has_value());
    pair.lose_everything_in_flight();
    CHECK(pair.server.session.next_deadline().is_never());
    pair.run_all(Duration::seconds(2));
    check_keys_cross(pair.client, pair.server);
    CHECK(pair.client.session.snapshot().retransmissions == 1);
}

TEST_CASE("DtlsSession: a peer that repeats its last flight for a long time is no danger [IMM-4]") {
    Pair pair = Pair::honest();
    pair.start();
    pair.run_all(Duration::millis(65));
    REQUIRE(pair.server.connected);
    pair.lose_everything_in_flight();
    // One client after the other repeats its Finished as often as it can.
    const Bytes last = pair.client.sent.back();
    Timestamp now = pair.now;
    for (int i = 0; i < 12; ++i) {
        now = pair.client.session.next_deadline();
        pair.client.session.handle_timeout(now);
        while (auto datagram = pair.client.session.poll_transmit())
            pair.server.session.handle_packet(now, *datagram);
        for (int again = 0; again < 5; ++again)
            pair.server.session.handle_packet(now + Duration::millis(again), last);
        while (pair.server.session.poll_transmit()) {
        }
    }
    pair.server.drain();
    CHECK(pair.server.session.connected());
    CHECK_FALSE(pair.server.failed.has_value());
    CHECK(pair.server.session.snapshot().late_handshakes > 0);
}

TEST_CASE("DtlsSession: only the suites and the version of the list are offered [DTLS-02]") {
    Pair pair = Pair::honest();
    pair.start();
    REQUIRE_FALSE(pair.client.sent.empty());
    const Bytes& hello = pair.client.sent[0];
    // Record header 13, message header 12, version, random 32, session id and cookie lengths.
    ByteReader reader(hello);
    reader.skip(13 + 12);
    CHECK(reader.u16() == 0xfefd);
    reader.skip(32);
    CHECK(reader.u8() == 0);  // nothing to resume
    CHECK(reader.u8() == 0);
    const std::uint16_t suites[] = {0xc02b, 0xc02f, 0xcca9, 0xcca8, 0xc00a, 0xc014, 0xc02c, 0xc030};
    const std::uint16_t size = reader.u16();
    CHECK(size == 2 * (std::size(suites) + 1));
    for (const std::uint16_t suite : suites)
        CHECK(reader.u16() == suite);
    CHECK(reader.u16() == 0x00ff);  // the renegotiation signal (RFC 5746)
}

}  // namespace
}  // namespace confab::dtls
