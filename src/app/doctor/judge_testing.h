// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Facts of a machine and a server on which nothing is wrong; tests change one thing.
#pragma once

#include <string>
#include <vector>

#include "app/doctor/judge.h"

namespace confab::doctor::testing {

inline constexpr UnixTime kNow = UnixTime::seconds(1'800'000'000);
inline constexpr Duration kDay = Duration::seconds(24 * 3600);

inline IpAddress ip(const char* text) {
    return *IpAddress::parse(text);
}

inline TlsFacts good_tls() {
    TlsFacts tls;
    tls.tried = true;
    tls.names = "live.example.org";
    tls.issuer = "An Authority";
    tls.not_before = kNow - kDay * 30;
    tls.not_after = kNow + kDay * 60;
    return tls;
}

inline AddressFacts good_addresses() {
    AddressFacts facts;
    facts.interfaces = {{"lo", ip("127.0.0.1"), 65'536}, {"eth0", ip("203.0.113.10"), 1500}};
    facts.media = {{ip("203.0.113.10"), ip("203.0.113.10")}};
    return facts;
}

inline HostFacts good_host() {
    HostFacts facts;
    facts.now = kNow;
    facts.receive_buffer = facts.send_buffer = 16'777'216;
    facts.open_files = 524'288;
    facts.disk = {true, "/var/lib/confab", "", std::uint64_t{1} << 40};
    facts.addresses = good_addresses();
    PortFacts port;
    port.option = "port";
    port.first = port.last = 7880;
    facts.ports = {port};
    PemFacts pem;
    pem.cert_file = "turn.pem";
    pem.key_file = "turn.key";
    pem.key_mode = 0600;
    pem.names = "turn.example.org";
    pem.not_before = kNow - kDay;
    pem.not_after = kNow + kDay * 60;
    facts.certificates = {pem};
    facts.redis = {.tried = true, .is_up = true, .place = "127.0.0.1:6379"};
    WebhookFacts hook;
    hook.url = "https://example.org/hook";
    hook.host = "example.org";
    hook.name.addresses = {ip("198.51.100.7")};
    hook.tcp = Reach::kAnswered;
    hook.is_tls = true;
    hook.tls = good_tls();
    facts.webhooks = {hook};
    facts.turn_domain = "turn.example.org";
    facts.turn_name.addresses = {ip("203.0.113.10")};
    return facts;
}

inline ServerFacts good_server() {
    ServerFacts facts;
    facts.url = "https://live.example.org";
    facts.host = "live.example.org";
    facts.port = 443;
    facts.is_tls = true;
    facts.name.addresses = {ip("203.0.113.10")};
    facts.address = {ip("203.0.113.10"), 443};
    facts.tcp = Reach::kAnswered;
    facts.connect_took = Duration::millis(20);
    facts.tls = good_tls();
    facts.http.tried = true;
    facts.http.status = 200;
    facts.http.body = "OK";
    facts.http.date = kNow;
    facts.http.asked_at = kNow;
    facts.http.token_status = 200;
    facts.http.token_text = "success";
    facts.has_key = true;
    facts.signal.tried = facts.signal.upgraded = facts.signal.joined = facts.signal.pong = true;
    facts.signal.pong_took = Duration::millis(21);
    facts.signal.has_credentials = true;
    facts.candidates = {{{ip("203.0.113.10"), 7882}, false, Reach::kAnswered},
                        {{ip("203.0.113.10"), 7881}, true, Reach::kAnswered}};
    facts.mtu = {true, 1228, true};
    TurnFacts turn;
    turn.url = "turn:203.0.113.10:3478?transport=udp";
    turn.reach = turn.relay = Reach::kAnswered;
    turn.allocated = true;
    facts.turn = {turn};
    return facts;
}

// The names of all that was found, in order, separated by blanks.
inline std::string codes(const Diagnosis& diagnosis) {
    std::string text;
    for (const Finding& finding : diagnosis.findings)
        text += (text.empty() ? "" : " ") + std::string(row_of(finding.code).name);
    return text;
}

inline std::string host_codes(const HostFacts& facts) {
    Diagnosis out;
    judge_host(facts, out);
    return codes(out);
}
inline std::string server_codes(const ServerFacts& facts, const HostFacts* host = nullptr) {
    Diagnosis out;
    judge_server(facts, host, kNow, out);
    return codes(out);
}

}  // namespace confab::doctor::testing
