// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include "config/load_testing.h"
#include "config/print.h"

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
    const std::string relay = "turn: {enabled: true, udp_port: 3478, relay_range_start: 5, ";
    CHECK(has(finished(relay + "relay_range_end: 4}").error(), "turn.relay_range_end must not be"));
    CHECK(finished(relay + "relay_range_end: 5}"));
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

TEST_CASE("finish: a server with keys may have a Redis, and none has to [CFG-07] [RDS-28]") {
    CHECK(finished("redis: {address: 'r:6379'}")->redis.is_configured());
    CHECK_FALSE(finished("")->redis.is_configured());
}

TEST_CASE("finish: addresses of Redis, and what goes together [RDS-28] [CFG-07]") {
    // A token may be made with a file of a cluster.
    const auto finished = [](const std::string& yaml) -> Result<Config, std::string> {
        Loaded loaded = parsed(yaml);
        if (const auto done = finish(loaded, {.require_keys = false}); !done)
            return fail(done.error().front().message);
        return loaded.config;
    };
    for (const std::string_view good :
         {"address: 'r:6379'", "address: r", "address: '[2001:db8::1]:6379'",
          "cluster_addresses: ['c:1', 'd:2']", "db: 2",
          "sentinel_addresses: ['s:26379'], sentinel_master_name: m",
          "address: r, tls: {client_cert_file: c, client_key_file: k}"})
        CHECK_MESSAGE(finished("redis: {" + std::string(good) + "}"), good);
    const std::pair<std::string_view, std::string_view> bad[] = {
        {"address: 'redis://r:6379'", "without redis://"},
        {"address: 'r:0'", "is no address"},
        {"cluster_addresses: ['c:1', 'd e']", "\"d e\" in redis.cluster_addresses"},
        {"sentinel_addresses: ['x:y'], sentinel_master_name: m", "redis.sentinel_addresses"},
        {"sentinel_addresses: ['s:26379']", "need redis.sentinel_master_name"},
        {"address: r, tls: {client_cert_file: c}", "go together"},
        {"address: r, tls: {client_key_file: k}", "go together"}};
    for (const auto& [yaml, error] : bad) {
        const auto refused = finished("redis: {" + std::string(yaml) + "}");
        REQUIRE_MESSAGE(!refused, yaml);
        CHECK_MESSAGE(has(refused.error(), error), refused.error());
    }
    CHECK(finished("node_stats: {stats_update_interval: 500ms}"));
    CHECK(finished("node_stats: {stats_update_interval: 4s}"));
    CHECK_FALSE(finished("node_stats: {stats_update_interval: 499ms}"));
    CHECK_FALSE(finished("node_stats: {stats_update_interval: 5s}"));
    CHECK(finished("redis: {address: r}")->redis.is_configured());
    CHECK_FALSE(finished("redis: {db: 1}")->redis.is_configured());
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

TEST_CASE("finish: sound waits for one packet of a speaker at most [DES-10]") {
    CHECK(finished("confab: {sound_hold: 20ms}"));
    CHECK(has(finished("confab: {sound_hold: 21ms}").error(), "must not be above 20ms"));
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

TEST_CASE("finish: each rule between ports, at its edge [CFG-04]") {
    struct Row {
        std::string_view yaml;
        std::string_view error;  // empty: taken
    };
    constexpr Row kRows[] = {
        {"rtc: {port_range_start: 5, port_range_end: 5}", ""},
        {"rtc: {port_range_start: 6, port_range_end: 5}", "must not be below rtc.port_range_start"},
        {"rtc: {port_range_start: 5}", "must not be below rtc.port_range_start"},
        {"rtc: {port_range_end: 5}", "rtc.port_range_end needs rtc.port_range_start"},
        {"rtc: {port_range_end: 5, udp_port: 7882}", "needs rtc.port_range_start"},
        {"rtc: {tcp_port: 0, force_tcp: true}", "rtc.force_tcp needs rtc.tcp_port"},
        {"rtc: {tcp_port: 7880}", "port and rtc.tcp_port are both 7880; give them different"},
        {"{port: 7881}", "port and rtc.tcp_port are both 7881"},
        {"{port: 80, rtc: {tcp_port: 80}}", "are both 80"},
        {"{port: 0, rtc: {tcp_port: 0}}", ""},  // any free port, and none
        {"rtc: {udp_port: 7880}", ""},          // UDP and TCP do not meet
        {"rtc: {udp_port: 7881}", ""}};
    for (const Row& row : kRows) {
        CAPTURE(row.yaml);
        const auto done = finished(row.yaml);
        CHECK(done.has_value() == row.error.empty());
        if (!done) CHECK(has(done.error(), row.error));
    }
    // Also in development, where no range is chosen.
    CHECK(finished("{development: true, rtc: {port_range_start: 5, port_range_end: 6}}")
              ->rtc.udp_port == PortRange{});
    CHECK(finished("{development: true, rtc: {udp_port: 5-6}}")->rtc.udp_port == PortRange{5, 6});
    CHECK(!finished("{development: true, port: 7881}"));
}

TEST_CASE("finish: each rule of the TURN server, at its edge [CFG-07]") {
    struct Row {
        std::string_view fields;
        std::string_view error;  // empty: taken
    };
    constexpr Row kRows[] = {
        {"udp_port: 3478", ""},
        {"tls_port: 5349, domain: t.example.org", ""},
        {"tls_port: 5349, udp_port: 3478, domain: t.example.org", ""},
        {"domain: t.example.org", "invalid TURN ports; set turn.udp_port or turn.tls_port"},
        {"tls_port: 5349", "TURN domain required; set turn.domain"},
        {"tls_port: 5349, udp_port: 3478", "TURN domain required"},
        {"udp_port: 3478, relay_range_start: 40000", ""},
        {"udp_port: 3478, relay_range_start: 40001", "must not be below turn.relay_range_start"},
        {"udp_port: 3478, relay_range_end: 29999", "must not be below turn.relay_range_start"},
        {"udp_port: 3478, relay_range_start: 9, relay_range_end: 9", ""},
        {"udp_port: 3478, deny_peer_cidrs: [10.0.0.0/8], allow_restricted_peer_cidrs: ['::/0']",
         ""},
        {"udp_port: 3478, deny_peer_cidrs: [10.0.0.0]", "10.0.0.0 in turn.deny_peer_cidrs"},
        {"udp_port: 3478, allow_restricted_peer_cidrs: [x]",
         "in turn.allow_restricted_peer_cidrs"}};
    for (const Row& row : kRows) {
        CAPTURE(row.fields);
        const auto done = finished("turn: {enabled: true, " + std::string(row.fields) + "}");
        CHECK(done.has_value() == row.error.empty());
        if (!done) CHECK(has(done.error(), row.error));
        // Switched off only the blocks are looked at.
        CHECK(finished("turn: {" + std::string(row.fields) + "}").has_value() ==
              !has(row.error, "cidrs"));
    }
    const auto range = [](std::string_view yaml) {
        const Turn turn = finished(yaml)->turn;
        return std::pair<int, int>(turn.relay_range_start, turn.relay_range_end);
    };
    CHECK(range("") == std::pair(30000, 40000));
    CHECK(range("turn: {relay_range_start: 31000}") == std::pair(31000, 40000));
    CHECK(range("turn: {relay_range_end: 39000}") == std::pair(30000, 39000));
    CHECK(range("development: true") == std::pair(30000, 30002));
    CHECK(range("{development: true, turn: {relay_range_end: 39000}}") == std::pair(30000, 39000));
}

TEST_CASE("finish: node_ip is one address of each family at most [CFG-04]") {
    for (const std::string_view good :
         {"", "1.2.3.4", "::1", "1.2.3.4,::1", "::1,1.2.3.4", " 1.2.3.4 , 2001:db8::1 "})
        CHECK_MESSAGE(finished("rtc: {node_ip: '" + std::string(good) + "'}"), good);
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"1.2.3.x", "invalid ip 1.2.3.x in rtc.node_ip; write one address or \"v4,v6\""},
        {"1.2.3.4,", "invalid ip  in rtc.node_ip"},
        {"1.2.3.4:80", "invalid ip 1.2.3.4:80"},
        {"example.org", "invalid ip example.org"},
        {"1.2.3.4,x", "invalid ip x in rtc.node_ip"},
        {"1.2.3.4 ::1", "invalid ip 1.2.3.4 ::1"},
        {"1.2.3.4,5.6.7.8", "rtc.node_ip has two addresses of one family"},
        {"::1,::2", "rtc.node_ip has two addresses of one family"},
        {"1.2.3.4,::1,5.6.7.8", "rtc.node_ip has two addresses of one family"}};
    for (const auto& [text, error] : rows) {
        CAPTURE(text);
        const auto refused = finished("rtc: {node_ip: '" + std::string(text) + "'}");
        REQUIRE(!refused);
        CHECK(has(refused.error(), error));
    }
}

TEST_CASE("finish: blocks of addresses are checked wherever they stand [CFG-07]") {
    for (const std::string_view path :
         {"rtc.ips.includes", "rtc.ips.excludes", "turn.deny_peer_cidrs",
          "turn.allow_restricted_peer_cidrs"}) {
        CAPTURE(path);
        CHECK(finished(yaml_of(path, "[10.0.0.0/8, '2001:db8::/32']")));
        const auto refused = finished(yaml_of(path, "[10.0.0.0/8, 10.0.0.0/33, x]"));
        REQUIRE(!refused);
        CHECK(has(refused.error(),
                  "invalid CIDR 10.0.0.0/33 in " + std::string(path) + "; write for example 10."));
        CHECK(has(refused.error(), "invalid CIDR x in "));
    }
}

TEST_CASE("finish: log levels [CFG-03][CFG-07]") {
    const auto warnings = [](std::string_view yaml) {
        Loaded loaded = parsed(yaml);
        REQUIRE(finish(loaded, {.require_keys = false}));
        std::erase_if(loaded.warnings, [](const Diagnostic& d) { return d.line != 0; });
        return loaded.warnings;
    };
    for (const std::string_view level : {"debug", "info", "warn", "error"}) {
        CHECK(warnings(yaml_of("logging.level", level)).empty());
        CHECK(warnings(yaml_of("logging.pion_level", level)).empty());
    }
    for (const std::string_view path : {"logging.level", "logging.pion_level"})
        for (const std::string_view level : {"Info", "trace", "warning", "debug "}) {
            const Diagnostics told = warnings(yaml_of(path, "'" + std::string(level) + "'"));
            REQUIRE(told.size() == 1);
            CHECK(told[0].path == path);
            CHECK(told[0].message == "unknown level " + std::string(level) + " in " +
                                         std::string(path) +
                                         "; use debug, info, warn or error. Taken as info");
        }
    CHECK(finished("{development: true, logging: {level: warn}}")->logging.level == "warn");
}

TEST_CASE("finish: a secret of 32 characters is long enough [TOK-02]") {
    for (const std::size_t length : {kShortSecret - 1, kShortSecret, kShortSecret + 1}) {
        Loaded loaded = parsed("keys: {APIa: " + std::string(length, 's') + "}");
        REQUIRE(finish(loaded));
        CHECK(loaded.warnings.size() == (length < kShortSecret ? 1 : 0));
        if (loaded.warnings.empty()) continue;
        CHECK(loaded.warnings[0].message ==
              "the secret of API key APIa is shorter than 32 characters; make a safe one with "
              "`confab generate-keys`");
    }
    // The placeholder is known to be short; a short one of one's own is told in development, too.
    Loaded own = parsed("{development: true, keys: {devkey: secret}}");
    REQUIRE(finish(own));
    CHECK(own.warnings.size() == 1);
}

TEST_CASE("finish: addresses of one's own keep placeholder keys where they are bound [CFG-03]") {
    struct Row {
        std::string_view binds;
        std::vector<std::string> bound;
        std::vector<std::string> blocks;
    };
    const Row rows[] = {
        {"[127.0.0.1]", {"127.0.0.1"}, {}},
        {"[localhost]", {"127.0.0.1", "::1"}, {}},
        {"[10.1.2.3]", {"10.1.2.3"}, {"10.1.2.3/24"}},
        {"[10.1.2.3, 10.1.3.3]", {"10.1.2.3", "10.1.3.3"}, {"10.1.2.3/24", "10.1.3.3/24"}},
        {"['::1', '2001:db8::5']", {"::1", "2001:db8::5"}, {"2001:db8::5/24"}},
        {"['']", {}, {}},  // asked for by name: all addresses
        {"[0.0.0.0, '::']", {"0.0.0.0", "::"}, {}}};
    for (const Row& row : rows) {
        CAPTURE(row.binds);
        const std::string yaml = "bind_addresses: " + std::string(row.binds);
        const Config placeholder = *finished("development: true\n" + yaml);
        CHECK(placeholder.placeholder_keys);
        CHECK(placeholder.bind_addresses == row.bound);
        CHECK(placeholder.rtc.ips.includes == row.blocks);
        // With keys of one's own no candidate is left out.
        const Config own = *finished("development: true\nkeys: {a: b}\n" + yaml);
        CHECK(own.bind_addresses == row.bound);
        CHECK(own.rtc.ips.includes.empty());
    }
}

TEST_CASE("finish: servers for clients are hosts, browsers throw at anything else [SIG-88]") {
    const auto stun = [](std::string_view one) {
        return finished("rtc: {stun_servers: [ok.example.org, '" + std::string(one) + "']}");
    };
    const auto turn = [](std::string_view host) {
        return finished("rtc: {turn_servers: [{port: 1, protocol: udp, secret: s, host: '" +
                        std::string(host) + "'}]}");
    };
    for (const std::string_view good :
         {"stun.example.org", "stun.example.org:3478", "192.0.2.1:3478", "[2001:db8::1]:3478"})
        CHECK_MESSAGE(stun(good), good);
    for (const std::string_view good : {"turn.example.org", "192.0.2.1", "[2001:db8::1]"})
        CHECK_MESSAGE(turn(good), good);
    for (const std::string_view bad :
         {"stun:h:3478", "STUN:h", "stuns:h", "turn:h", "turns:h:443", "https://h", "h/p", "a b",
          "h?transport=udp", " h", "me@h"}) {
        CAPTURE(bad);
        CHECK(has(stun(bad).error(), "an entry of rtc.stun_servers is no host; write HOST:PORT"));
        CHECK(has(turn(bad).error(), "host in rtc.turn_servers is none; write its name or"));
    }
    CHECK(has(stun("").error(), "an entry of rtc.stun_servers is no host"));
}

TEST_CASE("finish: webhooks are kept for a minute at least [HOOK-10]") {
    for (const char* good : {"60s", "1m", "24h"})
        CHECK_MESSAGE(finished("confab: {webhook_retention: " + std::string(good) + "}"), good);
    for (const char* bad : {"0s", "1s", "59999ms"}) {
        const auto done = finished("confab: {webhook_retention: " + std::string(bad) + "}");
        REQUIRE_MESSAGE(!done, bad);
        CHECK(has(done.error(), "confab.webhook_retention is shorter than a minute"));
        CHECK(has(done.error(), "write 1m or more"));
    }
}

TEST_CASE("finish: a webhook is signed with a key that there is [HOOK-09]") {
    const auto with = [](std::string_view webhook, std::string_view keys) {
        Loaded loaded = parsed("webhook: " + std::string(webhook));
        if (!keys.empty()) loaded.config.keys = *parse_keys(keys);
        const auto done = finish(loaded, {.require_keys = false});
        return done ? std::string() : to_text(done.error());
    };
    constexpr std::string_view kUrl = "urls: ['http://h']";
    const std::string error = "api_key is required to use webhooks; set webhook.api_key to one of";
    CHECK(has(with("{" + std::string(kUrl) + "}", "a: b"), error));
    CHECK(has(with("{" + std::string(kUrl) + ", api_key: c}", "a: b"), error));
    CHECK(with("{" + std::string(kUrl) + ", api_key: a}", "a: b\nc: d").empty());
    CHECK(with("{urls: [], api_key: c}", "a: b").empty());
    CHECK(with("{api_key: c}", "a: b").empty());
    // A command that serves nobody has no keys to look it up in.
    CHECK(with("{" + std::string(kUrl) + ", api_key: c}", "").empty());
}

TEST_CASE("finish: metrics ask for both or nothing [CFG-07]") {
    const std::pair<std::string_view, bool> rows[] = {{"{port: 1}", true},
                                                      {"{port: 1, username: u, password: p}", true},
                                                      {"{port: 1, username: u}", false},
                                                      {"{port: 1, password: p}", false},
                                                      {"{password: p}", false}};
    for (const auto& [fields, taken] : rows) {
        CAPTURE(fields);
        const auto done = finished("prometheus: " + std::string(fields));
        CHECK(done.has_value() == taken);
        if (!done) CHECK(has(done.error(), "prometheus.username and prometheus.password go"));
    }
}

TEST_CASE("finish: run twice it changes nothing more") {
    for (const std::string_view yaml :
         {"{}", "development: true", "{development: true, keys: {a: b}}",
          "rtc: {udp_port: 7000, port_range_start: 1, port_range_end: 2}",
          "rtc: {turn_servers: [{host: h, port: 1, protocol: udp, secret: s}]}",
          "bind_addresses: [localhost]"}) {
        CAPTURE(yaml);
        Loaded loaded = parsed(yaml);
        REQUIRE(finish(loaded, {.require_keys = false}));
        const std::string once = effective(loaded.config);
        REQUIRE(finish(loaded, {.require_keys = false}));
        CHECK(effective(loaded.config) == once);
    }
}

}  // namespace confab::config
