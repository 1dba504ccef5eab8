// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Junk, spoofed records and unauthenticated alerts against handshakes and established sessions.
#include <openssl/ssl.h>

#include "rtc/dtls/datagram_bio.h"
#include "rtc/dtls/record_filter.h"
#include "rtc/dtls/session_test_util.h"
#include "rtc/dtls/verify.h"

namespace confab::dtls {
namespace {

using testing::alice;
using testing::bob;
using testing::check_keys_cross;
using testing::Pair;

Bytes record(std::uint8_t type, std::uint16_t epoch, std::uint64_t number, BytesView body,
             std::uint16_t version = 0xfefd) {
    Bytes out(13 + body.size());
    ByteWriter writer(out);
    writer.u8(type);
    writer.u16(version);
    writer.u16(epoch);
    writer.u16(static_cast<std::uint16_t>(number >> 32));
    writer.u32(static_cast<std::uint32_t>(number));
    writer.u16(static_cast<std::uint16_t>(body.size()));
    writer.bytes(body);
    return out;
}

Bytes message(std::uint8_t type, std::uint16_t sequence, std::uint32_t length, std::uint32_t offset,
              BytesView fragment) {
    Bytes out(12 + fragment.size());
    ByteWriter writer(out);
    writer.u8(type);
    writer.u24(length);
    writer.u16(sequence);
    writer.u24(offset);
    writer.u24(static_cast<std::uint32_t>(fragment.size()));
    writer.bytes(fragment);
    return out;
}

// What an attacker without keys may send, except for valid handshake messages of the right type.
std::vector<Bytes> spoofs(Rng& rng) {
    const std::uint64_t far = 0xffff'ffff'fff0;
    Bytes junk(100);
    rng.fill(junk);
    return {
        record(21, 0, 3, Bytes{2, 40}),    // fatal handshake_failure
        record(21, 0, 4, Bytes{1, 0}),     // close_notify
        record(21, 0, far, Bytes{2, 10}),  // with a number that closes the window
        record(20, 0, far, Bytes{1}),      // early ChangeCipherSpec
        record(23, 0, 9, junk),            // plaintext application data
        record(22, 0, far, message(1, 1, 40, 0, Bytes(40))),  // second hello
        record(22, 0, 5, message(0, 0, 0, 0, {})),            // HelloRequest
        record(22, 0, 5, message(20, 3, 12, 0, Bytes(12))),   // plaintext Finished
        record(22, 0, 5, message(11, 1, 1000, 0, {})),        // zero-length fragment
        record(22, 0, 5, message(11, 1, 0xffffff, 0, Bytes(9))),
        record(22, 0, 5, message(11, 1, 10, 8, Bytes(9))),  // beyond its message
        record(22, 0, 5, Bytes(11)),
        record(22, 1, 0, junk),  // encrypted with who knows what
        record(21, 1, 1, junk),
        record(23, 1, far, junk),
        record(22, 7, 0, junk),
        record(22, 0, 1, {}),
        record(25, 0, 1, junk),
        record(22, 0, 1, junk, 0x0303),
        Bytes(13, 22),
        Bytes(1, 22),
        junk,
    };
}

TEST_CASE("DtlsSession: spoofed records during the whole handshake do not stop it [IMM-1]") {
    Rng rng(1);
    for (int seed = 0; seed < 5; ++seed) {
        Pair pair = Pair::honest();
        const auto attack = [&] {
            for (const Bytes& spoof : spoofs(rng)) {
                pair.client.session.handle_packet(pair.now, spoof);
                pair.server.session.handle_packet(pair.now, spoof);
            }
            pair.collect();
        };
        pair.start();
        for (int step = 0; step < 30 && !pair.settled(); ++step) {
            attack();
            pair.run_all(Duration::millis(5));
        }
        check_keys_cross(pair.client, pair.server);
        attack();
        CHECK_FALSE(pair.client.failed.has_value());
        CHECK_FALSE(pair.server.failed.has_value());
        CHECK(pair.server.session.snapshot().alerts > 0);
        CHECK(pair.server.session.snapshot().malformed_records > 0);
        CHECK(pair.server.session.snapshot().late_plaintext > 0);
        CHECK(pair.server.session.send_application_data(as_bytes("still here")));
        pair.collect();
        pair.run_all(Duration::seconds(1));
        REQUIRE(pair.client.received.size() == 1);
    }
}

TEST_CASE("DtlsSession: repeated hellos of the peer itself are harmless [IMM-1]") {
    Pair pair = Pair::honest();
    pair.start();
    const Bytes hello = pair.client.sent.at(0);
    for (int i = 0; i < 200; ++i)
        pair.server.session.handle_packet(pair.now, hello);
    pair.collect();
    pair.run(Duration::seconds(5));
    check_keys_cross(pair.client, pair.server);
    for (int i = 0; i < 200; ++i)
        pair.server.session.handle_packet(pair.now, hello);
    pair.collect();
    CHECK(pair.server.session.connected());
}

TEST_CASE("DtlsSession: 64 KB of junk in all sizes, before and after [IMM-4]") {
    Rng rng(2);
    Pair pair = Pair::honest();
    const auto junk = [&](std::size_t total) {
        while (total > 0) {
            Bytes datagram(std::min<std::size_t>(total, 1 + rng.below(1500)));
            rng.fill(datagram);
            if (rng.below(2) == 0) datagram[0] = static_cast<std::uint8_t>(20 + rng.below(4));
            total -= datagram.size();
            pair.client.session.handle_packet(pair.now, datagram);
            pair.server.session.handle_packet(pair.now, datagram);
        }
        Bytes large(65'536, 22);
        pair.client.session.handle_packet(pair.now, large);
        pair.server.session.handle_packet(pair.now, large);
        pair.collect();
    };
    pair.start();
    junk(65'536);
    pair.run_all(Duration::millis(30));
    junk(65'536);
    pair.run(Duration::seconds(5));
    check_keys_cross(pair.client, pair.server);
    junk(65'536);
    CHECK(pair.client.session.connected());
    CHECK(pair.server.session.connected());
    CHECK(pair.client.received.empty());
}

TEST_CASE("DtlsSession: truncated and changed records of a real session change nothing [IMM-4]") {
    Rng rng(3);
    Pair pair = Pair::honest();
    pair.start();
    pair.run(Duration::seconds(5));
    CHECK(pair.client.session.send_application_data(Bytes(60, 7)));
    const Bytes good = *pair.client.session.poll_transmit();
    for (std::size_t i = 0; i < good.size(); ++i) {
        pair.server.session.handle_packet(pair.now, BytesView(good).first(i));
        Bytes bad = good;
        bad[i] = static_cast<std::uint8_t>(bad[i] ^ (1 << rng.below(8)));
        pair.server.session.handle_packet(pair.now, bad);
    }
    pair.collect();
    CHECK(pair.server.received.empty());
    CHECK(pair.server.session.connected());
    for (int again = 0; again < 3; ++again)
        pair.server.session.handle_packet(pair.now, good);
    pair.collect();
    CHECK(pair.server.received.size() == 1);  // DTLS has its own replay window
}

TEST_CASE("DtlsSession: a handshake that never ends runs out of its budget [IMM-4]") {
    Config config = Pair::trusting(alice());
    config.role = Role::kServer;
    Session session(bob().context, config);
    session.start(Timestamp::micros(0));
    const Bytes fragment = record(22, 0, 0, message(11, 2, 8000, 0, Bytes(1000)));
    std::size_t fed = 0;
    while (!session.failed() && fed < 2000) {
        session.handle_packet(Timestamp::micros(1), fragment);
        ++fed;
    }
    const auto event = session.poll_event();
    REQUIRE(event);
    CHECK(std::get<Failed>(*event).reason == FailureReason::kBudget);
    CHECK(fed * fragment.size() <= kMaxHandshakeBytes + fragment.size());
}

// A client that does what Session does not: close, and write afterwards.
class BareClient {
  public:
    BareClient() : ssl_(SSL_new(alice().context.native())) {
        BIO* bio = make_datagram_bio(port_);
        SSL_set_bio(ssl_, bio, bio);
        SSL_set_app_data(ssl_, &check_);
        SSL_set_mtu(ssl_, 1200);
        SSL_set_connect_state(ssl_);
        check_.expected = {bob().fingerprint()};
    }
    BareClient(const BareClient&) = delete;
    BareClient& operator=(const BareClient&) = delete;
    ~BareClient() { SSL_free(ssl_); }

    void exchange(Session& server) {
        for (int round = 0; round < 10; ++round) {
            (void)SSL_do_handshake(ssl_);
            while (auto datagram = port_.outgoing.pop())
                server.handle_packet(Timestamp::micros(round), *datagram);
            while (auto datagram = server.poll_transmit()) {
                port_.incoming = *datagram;
                std::uint8_t plain[100];
                (void)SSL_read(ssl_, plain, sizeof plain);
            }
        }
    }
    SSL* ssl() { return ssl_; }

  private:
    DatagramPort port_;
    PeerCheck check_;
    SSL* ssl_;
};

TEST_CASE("DtlsSession: close_notify is ignored and data still flows [DTLS-05][TRAP-05]") {
    BareClient client;
    Config config = Pair::trusting(alice());
    config.role = Role::kServer;
    Session server(bob().context, config);
    server.start(Timestamp::micros(0));
    client.exchange(server);
    REQUIRE(server.connected());
    for (std::uint64_t i = 1; i <= 3; ++i) {
        (void)SSL_shutdown(client.ssl());
        client.exchange(server);
        CHECK(server.snapshot().alerts == i);
        CHECK(server.connected());
        SSL_set_shutdown(client.ssl(), 0);
        CHECK(SSL_write(client.ssl(), "after", 5) == 5);
        client.exchange(server);
        const auto data = server.poll_application_data();
        REQUIRE(data);
        CHECK(as_text(*data) == "after");
        CHECK(server.send_application_data(as_bytes("back")));
    }
    const auto event = server.poll_event();
    REQUIRE(event);
    CHECK(std::holds_alternative<Connected>(*event));
    CHECK_FALSE(server.poll_event().has_value());
}

TEST_CASE("DtlsSession: no renegotiation [DTLS-02]") {
    BareClient client;
    Config config = Pair::trusting(alice());
    config.role = Role::kServer;
    Session server(bob().context, config);
    server.start(Timestamp::micros(0));
    client.exchange(server);
    REQUIRE(server.connected());
    SSL_clear_options(client.ssl(), SSL_OP_NO_RENEGOTIATION);
    (void)SSL_renegotiate(client.ssl());
    client.exchange(server);
    CHECK(server.connected());
    CHECK(server.snapshot().late_handshakes > 0);
}

TEST_CASE("RecordFilter: keeps good records, renumbers plaintext, drops the rest [IMM-1]") {
    RecordFilter filter(Role::kServer);
    Counters counters;
    Bytes datagram = record(22, 0, 500, message(1, 0, 4, 0, Bytes(4)));
    const Bytes alert = record(21, 0, 501, Bytes{2, 40});
    const Bytes secret = record(22, 1, 7, Bytes(40, 3));
    datagram.insert(datagram.end(), alert.begin(), alert.end());
    datagram.insert(datagram.end(), secret.begin(), secret.end());
    Bytes expected = record(22, 0, 0, message(1, 0, 4, 0, Bytes(4)));
    expected.insert(expected.end(), secret.begin(), secret.end());
    CHECK(to_vector(filter.filter(datagram, RecordFilter::Phase::kHandshake, counters)) ==
          expected);
    CHECK(counters.alerts == 1);
    CHECK(counters.malformed_records == 0);
    CHECK(to_vector(filter.filter(datagram, RecordFilter::Phase::kDoneRepeating, counters)) ==
          secret);
    CHECK(counters.late_plaintext == 2);
    CHECK(filter.passed_encrypted_handshake());
    CHECK(filter.filter(datagram, RecordFilter::Phase::kDone, counters).empty());
    CHECK(counters.late_handshakes == 1);
    for (std::size_t size = 0; size < datagram.size(); ++size)
        CHECK(
            filter
                .filter(BytesView(datagram).first(size), RecordFilter::Phase::kHandshake, counters)
                .size() <= size);
}

}  // namespace
}  // namespace confab::dtls
