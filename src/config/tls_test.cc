// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The section tls, and what it opens at the HTTP port.
#include <doctest/doctest.h>

#include "config/load_testing.h"
#include "config/options.h"

namespace confab::config {
namespace {

std::string refusal(std::string_view yaml) {
    const auto config = finished(yaml);
    return config ? "" : config.error();
}

}  // namespace

TEST_CASE("tls: off as long as neither a name nor a certificate is there [CON-01]") {
    const Config plain = *finished("port: 7000");
    CHECK_FALSE(plain.tls.is_on());
    CHECK_FALSE(plain.shares_tcp());
    CHECK_FALSE(plain.turn.enabled);
    CHECK(plain.rtc.tcp_port == kIceTcpPort);
    CHECK(finished("tls: {domain: meet.test}")->tls.is_on());
    CHECK(finished("tls: {domains: [meet.test]}")->tls.is_on());
    CHECK(finished("tls: {cert_file: a, key_file: b}")->tls.is_on());
    CHECK(has(refusal("tls: {redirect_port: 80}"), "set tls.domain"));
}

TEST_CASE("tls: names are taken together, lower case, each once [TURN-18]") {
    const Config config =
        *finished("tls: {domain: Meet.Test, domains: [b.test, meet.test, B.test]}");
    CHECK(config.tls.domain == "meet.test");
    CHECK(config.tls.domains == std::vector<std::string>{"meet.test", "b.test"});
    CHECK(finished("tls: {domains: [x.test, y.test]}")->tls.domain == "x.test");
    for (const std::string name : {"10.0.0.1", "a b", "https://a.test", "*.a.test", "a.test:443",
                                   ".a", "a.", "a..b", "[::1]"}) {
        CAPTURE(name);
        CHECK(has(refusal("tls: {domain: '" + name + "'}"), "no name of a host"));
    }
    CHECK(has(refusal("tls: {domain: " + std::string(254, 'a') + "}"), "no name of a host"));
    std::string many = "tls: {domains: [a.test";
    for (int i = 1; i < 100; ++i)
        many += ", a" + std::to_string(i) + ".test";
    CHECK(refusal(many + "]}").empty());
    CHECK(has(refusal(many + ", b.test]}"), "more than 100 names"));
}

TEST_CASE("tls: what does not go together is refused with its remedy [CFG-07]") {
    CHECK(has(refusal("tls: {domain: a.test, cert_file: x}"), "go together; set both"));
    CHECK(has(refusal("tls: {domain: a.test, key_file: x}"), "go together; set both"));
    CHECK(has(refusal("port: 80\ntls: {domain: a.test, redirect_port: 80}"), "both 80"));
    CHECK(refusal("port: 443\ntls: {domain: a.test, redirect_port: 80}").empty());
    CHECK(has(refusal("port: 7000\nrtc: {tcp_port: 7000}"), "or set tls.domain"));
}

TEST_CASE("tls: one port has all that is not said otherwise [TURN-18] [CFG-04]") {
    const Config one = *finished("port: 443\ntls: {domain: meet.test}");
    CHECK(one.rtc.udp_port == PortRange{443, 443});
    CHECK(one.rtc.port_range_start == 0);
    CHECK(one.rtc.tcp_port == 443);
    CHECK(one.turn.enabled);
    CHECK(one.turn.udp_port == 443);
    CHECK(one.turn.tls_port == 443);
    CHECK(one.turn.domain == "meet.test");
    CHECK(one.shares_tcp());
    CHECK(one.shares_turn_tls());
    CHECK(one.shares_turn_udp());
    // Clients would have no name to look for in the certificate.
    CHECK_FALSE(finished("port: 443\ntls: {cert_file: a, key_file: b}")->turn.enabled);
    CHECK(finished("port: 443\ndevelopment: true\ntls: {domain: a.test}")->rtc.udp_port ==
          PortRange{443, 443});
}

TEST_CASE("tls: ports of their own stay what they are [TURN-18] [DEP-01]") {
    const std::string tls = "port: 443\ntls: {domain: meet.test}\n";
    const Config ports =
        *finished(tls +
                  "rtc: {tcp_port: 7882, udp_port: 7000-7010}\n"
                  "turn: {enabled: true, domain: turn.test, tls_port: 5349, udp_port: 3478}");
    CHECK(ports.rtc.udp_port == PortRange{7000, 7010});
    CHECK(ports.rtc.tcp_port == 7882);
    CHECK(ports.turn.tls_port == 5349);
    CHECK(ports.turn.udp_port == 3478);
    CHECK(ports.turn.domain == "turn.test");
    CHECK_FALSE(ports.shares_tcp());
    CHECK_FALSE(ports.shares_turn_tls());
    CHECK_FALSE(ports.shares_turn_udp());
    const Config range = *finished(tls + "rtc: {port_range_start: 50000, port_range_end: 50100}");
    CHECK_FALSE(range.rtc.udp_port.is_set());
    CHECK(range.turn.udp_port == 0);  // there is no such port of media
    CHECK(range.turn.tls_port == 443);
    CHECK(finished(tls + "rtc: {tcp_port: 0}")->rtc.tcp_port == 0);
    const Config none = *finished("port: 443\ntls: {domain: meet.test, one_port: false}");
    CHECK(none.rtc.tcp_port == kIceTcpPort);
    CHECK(none.rtc.port_range_start == 50000);
    CHECK_FALSE(none.turn.enabled);
    // A port that the system chooses is not known here.
    CHECK(finished("port: 0\ntls: {domain: meet.test}")->rtc.tcp_port == kIceTcpPort);
}

TEST_CASE("tls: TURN by UDP shares the port of media, with TLS or without [TURN-18]") {
    const auto shares = [](const std::string& turn) {
        return finished("rtc: {udp_port: 7000-7002}\nturn: {" + turn + "}")->shares_turn_udp();
    };
    CHECK(shares("enabled: true, udp_port: 7000"));
    CHECK(shares("enabled: true, udp_port: 7002"));
    CHECK_FALSE(shares("enabled: true, udp_port: 7003"));
    CHECK_FALSE(shares("enabled: true, udp_port: 6999"));
    CHECK_FALSE(shares("enabled: false, udp_port: 7000"));
}

TEST_CASE("tls: names of variables and the default authority [CLI-02]") {
    CHECK(env_name(*find_option("tls.domain")) == "CONFAB_TLS_DOMAIN");
    CHECK(Config{}.tls.acme_directory == "https://acme-v02.api.letsencrypt.org/directory");
}

}  // namespace confab::config
