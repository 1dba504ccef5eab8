// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Sessions that go on without libssl, against libssl at the other end (07 SIO-11).
#include <openssl/ssl.h>

#include <map>
#include <set>
#include <string>

#include "rtc/dtls/record_keys.h"
#include "rtc/dtls/session_test_util.h"

namespace confab::dtls {
namespace {

using testing::alice;
using testing::bob;
using testing::Endpoint;
using testing::Identity;
using testing::Pair;

const Timestamp kNow = Timestamp::micros(1'000'000);

void hand_on(Session& session) {
    REQUIRE(session.is_movable());
    const Bytes state = export_state(session, kNow);
    StateReader in(state, kNow);
    auto moved = Session::load(in);
    REQUIRE(moved.has_value());
    REQUIRE(in.finish());
    CHECK(moved->connected());
    CHECK(moved->is_movable());
    CHECK(export_state(*moved, kNow) == state);
    session = std::move(*moved);
}

Bytes text(std::uint32_t number, std::size_t size = 100) {
    Bytes bytes(size, static_cast<std::uint8_t>(number * 3));
    store_be32(bytes.data(), number);
    return bytes;
}

// Both identities with one suite alone, until the end of the scope.
class OnlySuite {
  public:
    explicit OnlySuite(const char* suite) {
        const auto* const all = SSL_CTX_get_ciphers(alice().context.native());
        for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i) {
            const SSL_CIPHER* const one = sk_SSL_CIPHER_value(all, i);
            // Those of TLS 1.3 are in another list.
            if (std::string_view(SSL_CIPHER_get_version(one)) != "TLSv1.3")
                before_ += std::string(before_.empty() ? "" : ":") + SSL_CIPHER_get_name(one);
        }
        set(suite);
    }
    ~OnlySuite() { set(before_.c_str()); }
    OnlySuite(const OnlySuite&) = delete;
    OnlySuite& operator=(const OnlySuite&) = delete;

  private:
    static void set(const char* suites) {
        for (const Identity* identity : {&alice(), &bob()})
            REQUIRE(SSL_CTX_set_cipher_list(identity->context.native(), suites) == 1);
    }
    std::string before_;
};

void connect(Pair& pair) {
    pair.start();
    pair.run_all(Duration::seconds(1));
    REQUIRE(pair.client.connected);
    REQUIRE(pair.server.connected);
}

// Numbers of epoch 1 never come twice with other octets, and so explicit nonces: they count with
// the numbers, from wherever libssl began.
void check_numbers(const Endpoint& end, bool has_nonces) {
    std::map<std::uint64_t, Bytes> numbers;
    std::set<std::uint64_t> begins;
    for (const Bytes& datagram : end.sent) {
        ByteReader in(datagram);
        while (const auto record = next_record(in)) {
            if (record->epoch != 1) continue;
            const Bytes whole = to_vector(record->whole);
            CHECK(numbers.emplace(record->number, whole).first->second == whole);
            begins.insert(load_be64(record->body.data()) - record->number);
        }
    }
    CHECK(numbers.size() > 5);
    if (has_nonces) CHECK(begins.size() == 1);
}

void exchange(Pair& pair, std::uint32_t first, std::uint32_t count) {
    for (std::uint32_t i = first; i < first + count; ++i) {
        CHECK(pair.client.session.send_application_data(text(i)));
        CHECK(pair.server.session.send_application_data(text(i)));
        pair.collect();
    }
    pair.run_all(Duration::millis(200));
}

constexpr const char* kAeadSuites[] = {"ECDHE-ECDSA-AES128-GCM-SHA256",
                                       "ECDHE-ECDSA-AES256-GCM-SHA384",
                                       "ECDHE-ECDSA-CHACHA20-POLY1305"};

}  // namespace

TEST_CASE("DtlsSession: moved, either end talks on with libssl, each suite [SIO-11][DTLS-02]") {
    for (const char* suite : kAeadSuites) {
        for (const bool move_client : {true, false}) {
            CAPTURE(suite);
            CAPTURE(move_client);
            const OnlySuite only(suite);
            Pair pair = Pair::honest();
            connect(pair);
            exchange(pair, 0, 20);
            Endpoint& moved = move_client ? pair.client : pair.server;
            hand_on(moved.session);
            CHECK(moved.session.role() == (move_client ? Role::kClient : Role::kServer));
            CHECK(moved.session.next_deadline().is_never());
            exchange(pair, 20, 20);
            hand_on(moved.session);
            exchange(pair, 40, 20);
            for (const Endpoint* end : {&pair.client, &pair.server}) {
                REQUIRE(end->received.size() == 60);
                for (std::uint32_t i = 0; i < 60; ++i)
                    CHECK(end->received[i] == text(i));
            }
            const bool has_nonces = std::string_view(suite).find("GCM") != std::string_view::npos;
            check_numbers(pair.client, has_nonces);
            check_numbers(pair.server, has_nonces);
        }
    }
}

TEST_CASE("DtlsSession: moved at random on a bad link, both ends [SIO-11][TST7-04]") {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        CAPTURE(seed);
        testing::LinkConfig link;
        link.jitter = Duration::millis(30);
        Pair pair = Pair::honest(link, seed);
        connect(pair);
        pair.set_link({0.2, 0.2, Duration::millis(20), Duration::millis(30)});
        Rng rng(seed);
        std::uint32_t sent = 0;
        for (int round = 0; round < 200; ++round) {
            for (Endpoint* end : {&pair.client, &pair.server})
                if (rng.below(10) == 0) hand_on(end->session);
            CHECK(pair.client.session.send_application_data(text(sent)));
            CHECK(pair.server.session.send_application_data(text(sent)));
            ++sent;
            pair.collect();
            pair.run_all(Duration::millis(7));
        }
        pair.run_all(Duration::seconds(1));
        for (const Endpoint* end : {&pair.client, &pair.server}) {
            const std::set<Bytes> different(end->received.begin(), end->received.end());
            CHECK(different.size() == end->received.size());  // duplicates are not taken twice
            CHECK(different.size() > 200 * 6 / 10);
            CHECK(different.size() < 200);
        }
        check_numbers(pair.client, true);
        check_numbers(pair.server, true);
    }
}

TEST_CASE("DtlsSession: moved, what came before and what is forged is dropped [SIO-11][IMM-1]") {
    Pair pair = Pair::honest();
    connect(pair);
    exchange(pair, 0, 20);
    hand_on(pair.client.session);
    const auto before = pair.client.session.snapshot().malformed_records;
    const std::size_t received = pair.client.received.size();
    const std::vector<Bytes> sent = pair.server.sent;
    for (const Bytes& datagram : sent)
        pair.client.session.handle_packet(pair.now, datagram);
    pair.client.drain();
    CHECK(pair.client.received.size() == received);
    CHECK(pair.client.session.snapshot().malformed_records >= before + 20);

    // A valid record, and every octet of it changed: the window stays where it is.
    CHECK(pair.server.session.send_application_data(text(77)));
    const Bytes good = *pair.server.session.poll_transmit();
    for (std::size_t i = 0; i < good.size(); ++i) {
        Bytes forged = good;
        forged[i] = static_cast<std::uint8_t>(forged[i] ^ 0x40);
        pair.client.session.handle_packet(pair.now, forged);
        pair.client.session.handle_packet(pair.now, BytesView(good).first(i));
    }
    Rng rng(5);
    for (int i = 0; i < 1000; ++i) {
        Bytes junk(rng.below(200));
        rng.fill(junk);
        if (!junk.empty()) junk[0] = static_cast<std::uint8_t>(20 + i % 4);
        pair.client.session.handle_packet(pair.now, junk);
    }
    pair.client.drain();
    CHECK(pair.client.received.size() == received);
    pair.client.session.handle_packet(pair.now, good);
    pair.client.session.handle_packet(pair.now, good);
    pair.client.drain();
    REQUIRE(pair.client.received.size() == received + 1);
    CHECK(pair.client.received.back() == text(77));
    CHECK(pair.client.session.connected());
    CHECK_FALSE(pair.client.session.poll_transmit().has_value());
}

TEST_CASE("DtlsSession: moved, alerts and calls for another handshake change nothing [DTLS-05]") {
    Pair pair = Pair::honest();
    connect(pair);
    exchange(pair, 0, 20);
    const Bytes peer_state = export_state(pair.client.session, kNow);
    StateReader in(peer_state, kNow);
    std::optional<RecordLayer> peer;
    in.record(3, [&peer](StateReader& inner) { peer = RecordLayer::load(inner); });
    REQUIRE(peer.has_value());
    hand_on(pair.server.session);
    Bytes hello(60);
    hello[0] = 1;
    const Bytes close_notify{1, 0};
    const Bytes fatal{2, 40};
    const Bytes hello_request(12);
    for (const auto& [type, body] : std::map<std::uint8_t, std::vector<Bytes>>{
             {21, {close_notify, fatal}}, {22, {hello, hello_request}}, {20, {Bytes{1}}}}) {
        for (const Bytes& one : body) {
            pair.server.session.handle_packet(pair.now, peer->seal(type, one));
            CHECK(pair.server.session.connected());
            CHECK_FALSE(pair.server.session.poll_transmit().has_value());
            CHECK_FALSE(pair.server.session.poll_event().has_value());
            CHECK_FALSE(pair.server.session.poll_application_data().has_value());
        }
    }
    CHECK(pair.server.session.snapshot().alerts == 2);
    CHECK(pair.server.session.snapshot().late_handshakes == 2);
    pair.server.session.handle_packet(pair.now, peer->seal(23, text(5)));
    CHECK(pair.server.session.poll_application_data() == text(5));
}

TEST_CASE(
    "DtlsSession: a server that moved answers a client that missed its last flight [SIO-11]") {
    Pair pair = Pair::honest();
    pair.start();
    while (!pair.server.connected && pair.now < Timestamp::micros(10'000'000))
        pair.run_all(Duration::millis(1));
    REQUIRE(pair.server.connected);
    REQUIRE_FALSE(pair.client.connected);
    pair.collect();
    pair.lose_everything_in_flight();
    hand_on(pair.server.session);
    pair.run_all(Duration::seconds(5));
    REQUIRE(pair.client.connected);
    testing::check_keys_cross(pair.client, pair.server);
    CHECK(pair.server.session.snapshot().retransmissions == 1);
    exchange(pair, 0, 20);
    CHECK(pair.client.received.size() == 20);
    CHECK(pair.server.received.size() == 20);
    check_numbers(pair.server, true);
}

TEST_CASE("DtlsSession: what is queued moves along, numbers can be left out [SIO-11][TRAP-14]") {
    Pair pair = Pair::honest();
    connect(pair);
    exchange(pair, 0, 5);
    CHECK(pair.server.session.send_application_data(text(5)));
    CHECK(pair.client.session.send_application_data(text(5)));
    pair.server.session.handle_packet(pair.now, *pair.client.session.poll_transmit());
    hand_on(pair.server.session);
    pair.server.session.skip_ahead(1000);
    CHECK(pair.server.session.send_application_data(text(6)));
    pair.server.drain();
    CHECK(pair.server.received.back() == text(5));
    pair.collect();
    pair.run_all(Duration::seconds(1));
    CHECK(pair.client.received.size() == 7);
    ByteReader in(pair.server.sent.back());
    CHECK(next_record(in)->number >= 1000);
    check_numbers(pair.server, true);
}

TEST_CASE("DtlsSession: in the handshake, with CBC and with its event untaken it stays [SIO-11]") {
    Pair young = Pair::honest();
    CHECK_FALSE(young.client.session.is_movable());
    young.start();
    CHECK_FALSE(young.client.session.is_movable());
    const OnlySuite only("ECDHE-ECDSA-AES256-SHA");
    Pair pair = Pair::honest();
    connect(pair);
    CHECK_FALSE(pair.client.session.is_movable());
    StateReader nothing({}, kNow);
    CHECK_FALSE(Session::load(nothing).has_value());
}

TEST_CASE("DtlsSession: a state cut anywhere is refused or harmless [SIO-11]") {
    Pair pair = Pair::honest();
    connect(pair);
    exchange(pair, 0, 5);
    const Bytes state = export_state(pair.client.session, kNow);
    for (std::size_t size = 0; size < state.size(); ++size) {
        StateReader in(BytesView(state).first(size), kNow);
        auto session = Session::load(in);
        if (!session) continue;
        session->handle_packet(kNow, pair.server.sent.back());
        CHECK(session->send_application_data(text(1)));
    }
}

TEST_CASE("RecordWindow: agrees with a set for random walks") {
    Rng rng(9);
    RecordWindow window;
    std::set<std::uint64_t> seen;
    std::uint64_t highest = 0;
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t number = highest + rng.below(rng.below(50) == 0 ? 200 : 6) -
                                     std::min<std::uint64_t>(highest, rng.below(70));
        const bool too_old = !seen.empty() && number + 64 <= highest;
        REQUIRE(window.is_fresh(number) == (!too_old && !seen.contains(number)));
        if (!window.is_fresh(number)) continue;
        window.commit(number);
        seen.insert(number);
        highest = std::max(highest, number);
    }
}

TEST_CASE("TLS 1.2 PRF: the published vectors of SHA-256, and lengths of SHA-384") {
    const Bytes secret = {0x9b, 0xbe, 0x43, 0x6b, 0xa9, 0x40, 0xf0, 0x17,
                          0xb1, 0x76, 0x52, 0x84, 0x9a, 0x71, 0xdb, 0x35};
    const Bytes seed = {0xa0, 0xba, 0x9f, 0x93, 0x6c, 0xda, 0x31, 0x18,
                        0x27, 0xa6, 0xf7, 0x96, 0xff, 0xd5, 0x19, 0x8c};
    const Bytes expected = {
        0xe3, 0xf2, 0x29, 0xba, 0x72, 0x7b, 0xe1, 0x7b, 0x8d, 0x12, 0x26, 0x20, 0x55, 0x7c, 0xd4,
        0x53, 0xc2, 0xaa, 0xb2, 0x1d, 0x07, 0xc3, 0xd4, 0x95, 0x32, 0x9b, 0x52, 0xd4, 0xe6, 0x1e,
        0xdb, 0x5a, 0x6b, 0x30, 0x17, 0x91, 0xe9, 0x0d, 0x35, 0xc9, 0xc9, 0xa4, 0x6b, 0x4e, 0x14,
        0xba, 0xf9, 0xaf, 0x0f, 0xa0, 0x22, 0xf7, 0x07, 0x7d, 0xef, 0x17, 0xab, 0xfd, 0x37, 0x97,
        0xc0, 0x56, 0x4b, 0xab, 0x4f, 0xbc, 0x91, 0x66, 0x6e, 0x9d, 0xef, 0x9b, 0x97, 0xfc, 0xe3,
        0x4f, 0x79, 0x67, 0x89, 0xba, 0xa4, 0x80, 0x82, 0xd1, 0x22, 0xee, 0x42, 0xc5, 0xa7, 0x2e,
        0x5a, 0x51, 0x10, 0xff, 0xf7, 0x01, 0x87, 0x34, 0x7b, 0x66};
    Bytes out(expected.size());
    tls12_prf(false, secret, "test label", seed, out);
    CHECK(out == expected);
    Bytes longer(150);
    Bytes shorter(40);
    tls12_prf(true, secret, "test label", seed, longer);
    tls12_prf(true, secret, "test label", seed, shorter);
    CHECK(std::equal(shorter.begin(), shorter.end(), longer.begin()));
}

}  // namespace confab::dtls
