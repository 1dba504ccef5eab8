// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include "config/load_testing.h"

namespace confab::config {

TEST_CASE("finish: development mode without keys stays on this machine [CFG-03]") {
    const Config dev = *finished("development: true");
    CHECK(dev.keys.at("devkey").reveal() == "secret");
    CHECK(dev.bind_addresses == std::vector<std::string>{"127.0.0.1", "::1"});
    CHECK(dev.rtc.udp_port == PortRange{7882, 7882});
    CHECK(dev.rtc.port_range_start == 0);
    CHECK(dev.logging.level == "debug");
    CHECK(dev.turn.relay_range_end == 30002);

    const Config bound =
        *finished("development: true\nbind_addresses: [10.1.2.3, 127.0.0.1, 0.0.0.0]");
    CHECK(bound.bind_addresses.size() == 3);
    CHECK(bound.rtc.ips.includes == std::vector<std::string>{"10.1.2.3/24"});
    // Own keys: all addresses.
    CHECK(finished("development: true\nkeys: {a: b}")->bind_addresses.empty());
    CHECK(dev.placeholder_keys);
    CHECK_FALSE(finished("development: true\nkeys: {a: b}")->placeholder_keys);

    Loaded loaded = parsed("development: true");
    REQUIRE(finish(loaded));
    CHECK(loaded.warnings.empty());  // not even for the short placeholder
}

TEST_CASE("finish: chooses ports [CFG-04]") {
    const Config plain = *finished("");
    CHECK(plain.rtc.port_range_start == 50000);
    CHECK(plain.rtc.port_range_end == 60000);
    CHECK(plain.logging.level == "info");
    const Config mux = *finished("rtc: {udp_port: 7000}");
    CHECK(mux.rtc.port_range_start == 0);
    CHECK(mux.rtc.udp_port == PortRange{7000, 7000});
    const Config both = *finished("rtc: {udp_port: 7000, port_range_start: 1, port_range_end: 2}");
    CHECK(!both.rtc.udp_port.is_set());
    CHECK(finished("rtc: {node_ip: '1.2.3.4,::1'}"));
    CHECK(has(finished("rtc: {node_ip: 1.2.3.x}").error(), "invalid ip 1.2.3.x"));
    CHECK(!finished("rtc: {port_range_start: 5}"));
    CHECK(!finished("rtc: {port_range_end: 5}"));
    CHECK(!finished("rtc: {tcp_port: 7880}"));
}

TEST_CASE("finish: start-up errors name the remedy [CFG-02][CFG-07]") {
    Loaded none;
    const auto keys = finish(none);
    REQUIRE(!keys);
    CHECK(has(to_text(keys.error()), "one of key-file or keys must be provided"));
    CHECK(finish(none, {.require_keys = false}));

    CHECK(has(finished("turn: {enabled: true}").error(), "invalid TURN ports"));
    CHECK(has(finished("turn: {enabled: true, tls_port: 5349}").error(), "TURN domain required"));
    CHECK(has(finished("webhook: {urls: ['http://h']}").error(),
              "api_key is required to use webhooks"));
    CHECK(finished("webhook: {urls: ['http://h'], api_key: APIx}"));
    CHECK(!finished("webhook: {urls: ['http://h'], api_key: other}"));
    CHECK(!finished("prometheus: {port: 1, username: u}"));
    CHECK(has(finished("rtc: {ips: {includes: [10.0.0.0]}}").error(), "invalid CIDR"));
    CHECK(!finished("turn: {deny_peer_cidrs: [x]}"));
    CHECK(!finished("bind_addresses: [example]"));
    CHECK(!finished("rtc: {turn_servers: [{host: h, port: 1, protocol: tls}]}"));
    CHECK(!finished("rtc: {turn_servers: [{host: h, port: 1, protocol: x, secret: s}]}"));
    CHECK(finished("rtc: {turn_servers: [{host: h, port: 1, protocol: udp, secret: s}]}")
              ->rtc.turn_servers[0]
              .ttl == 14400);
}

TEST_CASE("finish: redis is refused until there are clusters [CFG-07]") {
    for (const std::string_view redis : {"address: 'r:6379'", "sentinel_addresses: ['s:26379']",
                                         "cluster_addresses: ['c:6379']"}) {
        const auto refused = finished("redis: {" + std::string(redis) + "}");
        REQUIRE(!refused);
        CHECK(has(refused.error(), "remove the redis section"));
        Loaded loaded = parsed("redis: {" + std::string(redis) + "}");
        CHECK(finish(loaded, {.require_keys = false}));  // a token may be made with that file
    }
    CHECK(finished("redis: {db: 2}"));
}

TEST_CASE("finish: an unknown log level and short secrets are warnings [CFG-07][TOK-02]") {
    Loaded loaded = parsed("logging: {level: loud}\nkeys: {a: short}");
    REQUIRE(finish(loaded));
    REQUIRE(loaded.warnings.size() == 2);
    CHECK(has(loaded.warnings[0].message, "shorter than 32"));
    CHECK(!has(loaded.warnings[0].message, "short\""));
    CHECK(has(loaded.warnings[1].message, "unknown level loud"));
}

TEST_CASE("finish: a webhook address that cannot be called stops the start [CFG-07]") {
    for (const std::string_view good :
         {"http://h", "https://h/p?q=a@b", "HTTP://h:8080", "http://[::1]:1/x", "http://h/@/"}) {
        const std::string yaml = "webhook: {api_key: APIx, urls: ['" + std::string(good) + "']}";
        CHECK_MESSAGE(finished(yaml), good);
    }
    for (const std::string_view bad : {"", "h", "example.org/hook", "ftp://h", "http:/h", "http://",
                                       "https:///path", "http://?x", "://h", " http://h"}) {
        const std::string yaml =
            "webhook: {api_key: APIx, urls: ['http://h', '" + std::string(bad) + "']}";
        CAPTURE(bad);
        const auto refused = finished(yaml);
        REQUIRE(!refused);
        CHECK(has(refused.error(), "write http://HOST/PATH"));
    }
    const auto user = finished("webhook: {api_key: APIx, urls: ['https://me:hunter2@h/p']}");
    REQUIRE(!user);
    CHECK(has(user.error(), "remove what is before the @"));
    CHECK(!has(user.error(), "hunter2"));
}

TEST_CASE("finish: playout delay needs no greatest value [CFG-07]") {
    CHECK(finished("room: {playout_delay: {enabled: true, min: 100}}"));
    CHECK(finished("room: {playout_delay: {enabled: true, min: 100, max: 100}}"));
    CHECK(has(finished("room: {playout_delay: {enabled: true, min: 101, max: 100}}").error(),
              "room.playout_delay.min must not be above max"));
    CHECK(finished("room: {playout_delay: {min: 101, max: 100}}"));  // switched off
}

TEST_CASE("finish: addresses of the HTTP port [CFG-03]") {
    CHECK(finished("bind_addresses: [localhost]")->bind_addresses ==
          std::vector<std::string>{"127.0.0.1", "::1"});
    CHECK(finished("bind_addresses: ['']")->bind_addresses.empty());
    for (const std::string_view bad : {"127.0.0.1:80", "[::1]", "10.0.0.0/8", "Localhost", "*"}) {
        CAPTURE(bad);
        const auto refused = finished("bind_addresses: ['" + std::string(bad) + "']");
        REQUIRE(!refused);
        CHECK(has(refused.error(), "invalid ip " + std::string(bad) + " in bind_addresses"));
    }
}

TEST_CASE("finish: placeholder keys never reach other machines unasked [CFG-03]") {
    // Whatever else is set: without own keys and without own addresses, loopback only.
    for (const std::string_view yaml :
         {"development: true", "{development: true, keys: {}}", "{development: true, port: 80}",
          "{development: true, bind_addresses: []}", "{development: true, keys:}"}) {
        CAPTURE(yaml);
        Loaded loaded = parsed(yaml);
        REQUIRE(finish(loaded));
        CHECK(loaded.config.placeholder_keys);
        CHECK(loaded.config.bind_addresses == std::vector<std::string>{"127.0.0.1", "::1"});
    }
    Loaded none = parsed("keys: {}");
    CHECK(!finish(none));
    CHECK(none.config.keys.empty());
}

TEST_CASE("finish: each rule of an entry of turn_servers [SIG-88]") {
    struct Row {
        std::string_view fields;
        std::string_view error;  // empty: taken
    };
    constexpr Row kRows[] = {
        {"host: h, port: 1, protocol: udp, secret: s", ""},
        {"host: h, port: 1, protocol: tcp, secret_file: f", ""},
        {"host: h, port: 1, protocol: tls, username: u, credential: c", ""},
        {"host: h, port: 1, protocol: udp, secret: s, ttl: 86400", ""},
        {"host: h, port: 1, protocol: udp, secret: s, ttl: 86401", "must not be above 86400"},
        {"host: '', port: 1, protocol: udp, secret: s", "needs host and port"},
        {"host: h, protocol: udp, secret: s", "needs host and port"},
        {"host: h, port: 1, secret: s", "needs protocol"},
        {"host: h, port: 1, protocol: UDP, secret: s", "needs protocol"},
        {"host: h, port: 1, protocol: udp, username: u", "needs secret, or username"},
        {"host: h, port: 1, protocol: udp, credential: c", "needs secret, or username"},
    };
    for (const Row& row : kRows) {
        CAPTURE(row.fields);
        const auto done = finished("rtc: {turn_servers: [{" + std::string(row.fields) + "}]}");
        CHECK(done.has_value() == row.error.empty());
        if (!done) CHECK(has(done.error(), row.error));
    }
}

TEST_CASE("finish: several mistakes are told together [CFG-07]") {
    const auto refused = finished(
        "{bind_addresses: [x], rtc: {node_ip: y, ips: {excludes: [z]}}, turn: {enabled: true}}");
    REQUIRE(!refused);
    for (const std::string_view part :
         {"invalid ip x", "invalid ip y", "invalid CIDR z", "invalid TURN ports"})
        CHECK_MESSAGE(has(refused.error(), part), part);
}

}  // namespace confab::config
