// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include "app/doctor/judge_testing.h"

namespace confab::doctor {
namespace {

using namespace testing;

template <typename Change>
std::string found(Change change) {
    ServerFacts facts = good_server();
    change(facts);
    return server_codes(facts);
}

TEST_CASE("judge_server: nothing of a healthy server") {
    Diagnosis out;
    judge_server(good_server(), nullptr, kNow, out);
    CHECK(codes(out).empty());
    CHECK(out.skipped.empty());
    const HostFacts host = good_host();
    CHECK(server_codes(good_server(), &host).empty());
}

TEST_CASE("judge_server: address, name and connection; a cause hides what follows") {
    CHECK(found([](ServerFacts& f) { f.url_error = "is no address"; }) == "url-invalid");
    CHECK(found([](ServerFacts& f) {
              f.name = {{}, "no such host"};
              f.tcp = Reach::kNotTried;
              f.http = {};
          }) == "dns-missing");
    CHECK(found([](ServerFacts& f) { f.tcp = Reach::kRefused; }) == "tcp-refused");
    CHECK(found([](ServerFacts& f) { f.tcp = Reach::kSilent; }) == "tcp-timeout");
    CHECK(found([](ServerFacts& f) { f.tcp = Reach::kUnreachable; }) == "tcp-timeout");
}

TEST_CASE("judge_server: only the server's own machine knows that a name leads elsewhere") {
    ServerFacts facts = good_server();
    facts.name.addresses = {ip("198.51.100.77")};
    facts.tcp = Reach::kSilent;
    CHECK(server_codes(facts) == "tcp-timeout");
    HostFacts host = good_host();
    CHECK(server_codes(facts, &host) == "dns-elsewhere");
    host.addresses.external = ip("198.51.100.77");
    CHECK(server_codes(facts, &host) == "tcp-timeout");
    // rtc.node_ip behind a translation that was not asked of anybody.
    host = good_host();
    host.addresses.media = {{ip("203.0.113.10"), ip("198.51.100.77")}};
    CHECK(server_codes(facts, &host) == "tcp-timeout");
}

TEST_CASE("judge_server: certificates") {
    const auto with = [](std::vector<TlsFault> faults) {
        return found([&](ServerFacts& f) {
            f.tls.faults = faults;
            f.http.status = 0;
        });
    };
    CHECK(with({TlsFault::kExpired}) == "tls-expired");
    CHECK(with({TlsFault::kNotYetValid}) == "tls-not-yet-valid");
    CHECK(with({TlsFault::kWrongName}) == "tls-name");
    CHECK(with({TlsFault::kSelfSigned}) == "tls-self-signed");
    CHECK(with({TlsFault::kSelfSigned, TlsFault::kUnknownIssuer}) == "tls-self-signed");
    CHECK(with({TlsFault::kUnknownIssuer}) == "tls-untrusted");
    CHECK(with({TlsFault::kOther}) == "tls-untrusted");
    CHECK(with({TlsFault::kHandshake}) == "tls-handshake");
    CHECK(with({TlsFault::kExpired, TlsFault::kWrongName}) == "tls-expired tls-name");
    CHECK(found([](ServerFacts& f) { f.tls.not_after = kNow + kDay * 13; }) == "tls-expires-soon");
    CHECK(found([](ServerFacts& f) { f.tls.not_after = kNow + kDay * 14; }).empty());
}

TEST_CASE("judge_server: without TLS, on this machine and elsewhere") {
    const auto plain = [](const char* host, const char* address) {
        return found([&](ServerFacts& f) {
            f.is_tls = false;
            f.tls = {};
            f.host = host;
            f.address.ip = ip(address);
        });
    };
    CHECK(plain("live.example.org", "203.0.113.10") == "no-https");
    CHECK(plain("127.0.0.1", "127.0.0.1").empty());
    CHECK(plain("localhost", "127.0.0.1").empty());
}

TEST_CASE("judge_server: what answers at the root") {
    CHECK(found([](ServerFacts& f) { f.http.status = 404; }) == "http-unexpected");
    CHECK(found([](ServerFacts& f) { f.http.body = "<html>"; }) == "http-unexpected");
    CHECK(found([](ServerFacts& f) { f.http.status = 0; }) == "http-unexpected");
    CHECK(found([](ServerFacts& f) { f.http.status = 406; }) == "server-not-ready");
    CHECK(found([](ServerFacts& f) { f.http.status = 503; }) == "server-not-ready");
}

TEST_CASE("judge_server: clocks, before tokens are refused for them") {
    const auto off = [](std::int64_t seconds) {
        return found([&](ServerFacts& f) { f.http.date = kNow + Duration::seconds(seconds); });
    };
    CHECK(off(29).empty());
    CHECK(off(-29).empty());
    CHECK(off(30) == "clock-off");
    CHECK(off(-30) == "clock-off");
    CHECK(found([](ServerFacts& f) { f.http.date.reset(); }).empty());
    CHECK(found([](ServerFacts& f) {
              f.http.date = kNow + Duration::seconds(90);
              f.http.token_status = 401;
              f.http.token_text = "token is expired";
          }) == "clock-off");
}

TEST_CASE("judge_server: tokens") {
    const auto refused = [](int status, const char* text, bool swapped = false) {
        return found([&](ServerFacts& f) {
            f.http.token_status = status;
            f.http.token_text = text;
            f.http.swapped_is_taken = swapped;
        });
    };
    CHECK(refused(401, "invalid API key") == "key-unknown");
    CHECK(refused(401, "invalid API key", true) == "key-secret-swapped");
    CHECK(refused(401, "invalid authorization token: token signature is invalid") ==
          "secret-wrong");
    CHECK(refused(401, "token was revoked") == "token-refused");
    CHECK(refused(500, "") == "token-refused");
    ServerFacts facts = good_server();
    facts.has_key = false;
    facts.http.token_status = 0;
    Diagnosis out;
    judge_server(facts, nullptr, kNow, out);
    CHECK(codes(out).empty());
    CHECK(out.skipped.size() == 1);
}

TEST_CASE("judge_server: WebSockets through proxies") {
    const auto upgraded = [](int status, const char* error) {
        return found([&](ServerFacts& f) {
            f.signal = {};
            f.signal.tried = true;
            f.signal.refused_status = status;
            f.signal.error = error;
        });
    };
    CHECK(upgraded(400, "400 Bad Request") == "ws-upgrade");
    CHECK(upgraded(200, "200 OK") == "ws-upgrade");
    CHECK(upgraded(404, "404 Not Found") == "ws-upgrade");
    CHECK(upgraded(0, "the server closed the connection") == "ws-upgrade");
    CHECK(upgraded(404, "404 requested room does not exist") == "join-refused");
    CHECK(upgraded(503, "503 could not find an available node") == "join-refused");
    CHECK(found([](ServerFacts& f) { f.signal.joined = f.signal.pong = false; }) == "ws-buffered");
    CHECK(found([](ServerFacts& f) { f.signal.pong_took = Duration::millis(1560); }).empty());
    CHECK(found([](ServerFacts& f) { f.signal.pong_took = Duration::millis(1561); }) ==
          "ws-buffered");
    CHECK(found([](ServerFacts& f) {
              f.signal.joined = f.signal.pong = f.signal.has_credentials = false;
              f.signal.error = "the server closed the connection";
          }) == "ws-silent");
}

TEST_CASE("judge_server: media by UDP and TCP") {
    const auto reach = [](Reach udp, Reach tcp) {
        return found([&](ServerFacts& f) {
            f.candidates[0].reach = udp;
            f.candidates[1].reach = tcp;
            f.mtu = {};
        });
    };
    CHECK(reach(Reach::kSilent, Reach::kAnswered) == "udp-blocked");
    CHECK(reach(Reach::kAnswered, Reach::kSilent) == "tcp-media-blocked");
    CHECK(reach(Reach::kAnswered, Reach::kRefused) == "tcp-media-blocked");
    CHECK(reach(Reach::kSilent, Reach::kRefused) == "media-unreachable");
    CHECK(reach(Reach::kUnreachable, Reach::kAnswered) == "udp-blocked");
    CHECK(found([](ServerFacts& f) { f.candidates.clear(); }) == "candidates-none");
    // One of several; and one of a family that this machine has no way to.
    CHECK(found([](ServerFacts& f) {
              f.candidates.push_back({{ip("10.0.0.5"), 7882}, false, Reach::kSilent});
          }) == "udp-candidate-dead");
    CHECK(found([](ServerFacts& f) {
              f.candidates.push_back({{ip("2001:db8::5"), 7882}, false, Reach::kUnreachable});
          }).empty());
}

TEST_CASE("judge_server: media at addresses that nobody outside reaches") {
    const auto at = [](const char* address) {
        return found([&](ServerFacts& f) {
            for (CandidateFacts& one : f.candidates) {
                one.address.ip = ip(address);
                one.reach = Reach::kSilent;
            }
            f.mtu = {};
        });
    };
    CHECK(at("127.0.0.1") == "candidates-loopback");
    CHECK(at("10.0.0.5") == "candidates-private");
    CHECK(at("198.51.100.5") == "media-unreachable");
}

TEST_CASE("judge_server: packets that are too large for the way") {
    CHECK(found([](ServerFacts& f) { f.mtu.passes = false; }) == "mtu-low");
    CHECK(found([](ServerFacts& f) { f.mtu = {}; }).empty());
}

TEST_CASE("judge_server: TURN servers") {
    const auto turn = [](auto change) { return found([&](ServerFacts& f) { change(f.turn[0]); }); };
    CHECK(turn([](TurnFacts& t) { t.resolve_error = "no such host"; }) == "turn-unreachable");
    CHECK(turn([](TurnFacts& t) {
              t.reach = Reach::kSilent;
              t.allocated = false;
          }) == "turn-unreachable");
    CHECK(turn([](TurnFacts& t) {
              t.allocated = false;
              t.error_code = 401;
          }) == "turn-credentials");
    CHECK(turn([](TurnFacts& t) {
              t.is_tls = true;
              t.tls.faults = {TlsFault::kWrongName};
          }) == "turn-tls");
    CHECK(turn([](TurnFacts& t) { t.relay = Reach::kSilent; }) == "turn-relay");
    CHECK(turn([](TurnFacts& t) { t.relay = Reach::kNotTried; }).empty());
}

}  // namespace
}  // namespace confab::doctor
