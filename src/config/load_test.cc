// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/load.h"

#include <doctest/doctest.h>

#include <map>

#include "config/options.h"
#include "config/print.h"

namespace confab::config {
namespace {

constexpr std::string_view kGoodSecret = "0123456789012345678901234567890123456789";

std::string error_of(std::string_view yaml, YamlOptions options = {}) {
    const auto loaded = parse_yaml(yaml, options);
    return loaded ? "" : to_text(loaded.error());
}
bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}
Loaded parsed(std::string_view yaml) {
    auto loaded = parse_yaml(yaml);
    if (!loaded) FAIL(to_text(loaded.error()));
    return *std::move(loaded);
}
// finish() of a text; keys are added so that only the matter of the test can fail.
Result<Config, std::string> finished(std::string_view yaml) {
    Loaded loaded = parsed(yaml);
    if (loaded.config.keys.empty() && !loaded.config.development)
        loaded.config.keys.emplace("APIx", SecretText(kGoodSecret));
    if (auto done = finish(loaded); !done) return tl::make_unexpected(to_text(done.error()));
    return loaded.config;
}
EnvLookup environment(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
        const auto found = variables.find(std::string(name));
        if (found == variables.end()) return std::nullopt;
        return found->second;
    };
}

}  // namespace

TEST_CASE("parse_yaml: reads every kind of value [CFG-01]") {
    const Config c = parsed(R"(
port: 7000
bind_addresses: [127.0.0.1, "::1"]
keys: {APIa: s1, "APIb": 42}
region: eu
rtc:
  udp_port: 7000-7010
  node_ip: 1.2.3.4
  pli_throttle: {low_quality: 250ms}
  turn_servers:
    - {host: t, port: 443, protocol: tls, username: u, credential: c}
  congestion_control: {allow_pause: yes}
room:
  enabled_codecs: [{mime: audio/opus}, {mime: video/H264, fmtp_line: "a=b"}]
  room_configurations: {small: {max_participants: 2, metadata: x}}
limit: {bytes_per_sec: 1.5e9, num_tracks: -1}
logging: {component_levels: {sfu: debug}}
confab: {workers: 3}
)")
                         .config;
    CHECK(c.port == 7000);
    CHECK(c.bind_addresses == std::vector<std::string>{"127.0.0.1", "::1"});
    CHECK(c.keys.at("APIb").reveal() == "42");
    CHECK(c.rtc.udp_port == PortRange{7000, 7010});
    CHECK(c.rtc.pli_throttle.low_quality == Duration::millis(250));
    CHECK(c.rtc.pli_throttle.mid_quality == Duration::seconds(1));
    REQUIRE(c.rtc.turn_servers.size() == 1);
    CHECK(c.rtc.turn_servers[0].credential.reveal() == "c");
    CHECK(c.rtc.congestion_control.allow_pause);
    CHECK(c.room.enabled_codecs == std::vector<Codec>{{"audio/opus", ""}, {"video/H264", "a=b"}});
    CHECK(c.room.room_configurations.items.at("small") ==
          R"({"max_participants": 2, "metadata": "x"})");
    CHECK(c.limit.bytes_per_sec == 1.5e9);
    CHECK(c.limit.num_tracks == -1);
    CHECK(c.logging.component_levels.at("sfu") == "debug");
    CHECK(c.own.workers == 3);
    CHECK(parse_yaml("")->config.port == 7880);
    CHECK(parse_yaml("rtc:\nport:")->config.port == 7880);
}

TEST_CASE("parse_yaml: an unknown key stops at any depth, with line and remedy [CFG-01]") {
    CHECK(error_of("rtc:\n  tcp_prot: 1\n") ==
          "could not parse config: yaml: unmarshal errors:\n"
          "  line 2: field tcp_prot not found in rtc; did you mean rtc.tcp_port?");
    CHECK(has(error_of("tcp_port: 1"), "did you mean rtc.tcp_port?"));
    CHECK(has(error_of("rtc:\n  pli_throttle:\n    low: 1s"), "line 3: field low not found"));
    CHECK(has(error_of("rtc: {turn_servers: [{hots: x}]}"), "did you mean host?"));
    CHECK(has(error_of("zzzzzz: 1"), "confab config reference"));
    CHECK(has(error_of("rtc: {<<: {tcp_port: 1}}"), "merging is not supported"));
    CHECK(has(error_of("port: 1\nport: 2"), "line 2: port is given twice"));
    // All mistakes at once, but not without end.
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "unknown" + std::to_string(i) + ": 1\n";
    CHECK(parse_yaml(many).error().size() == kMaxDiagnostics);
    const auto relaxed = parse_yaml("porrt: 1\nregion: x", {.strict = false});
    REQUIRE(relaxed);
    CHECK(relaxed->config.region == "x");
    CHECK(relaxed->warnings.size() == 1);
}

TEST_CASE("parse_yaml: a wrong type names line, value and what is needed [CFG-06][CFG-07]") {
    CHECK(error_of("port: abc") ==
          "could not parse config: yaml: unmarshal errors:\n"
          "  line 1: cannot unmarshal !!str `abc` into uint16: port needs a whole number from 0 to "
          "65535");
    CHECK(has(error_of("video: {dynacast_pause_delay: 0}"),
              "cannot unmarshal !!int `0` into time.Duration"));
    CHECK(parse_yaml("video: {dynacast_pause_delay: 0s}").has_value());
    for (const std::string_view bad : {"port: 70000",
                                       "port: '80'",
                                       "port: [1]",
                                       "port: {a: 1}",
                                       "development: maybe",
                                       "rtc: 1",
                                       "rtc: []",
                                       "keys: [a]",
                                       "keys: {a: }",
                                       "keys: {a: ''}",
                                       "bind_addresses: x",
                                       "audio: {min_percentile: 101}",
                                       "limit: {bytes_per_sec: nan}",
                                       "[]",
                                       "x",
                                       "room: {enabled_codecs: {}}",
                                       "webhook: {urls: [[a]]}",
                                       "rtc: {udp_port: 9-1}",
                                       "a: b: c",
                                       "node_selector: {kind: best}"})
        CHECK_MESSAGE(!parse_yaml(bad), bad);
    CHECK(has(error_of("node_selector: {kind: best}"), "unsupported node selector"));
    // Secrets are not repeated.
    CHECK(!has(error_of("keys: hunter2"), "hunter2"));
    CHECK(!has(error_of("prometheus: {password: [hunter2]}"), "hunter2"));
}

TEST_CASE("parse_yaml: keys without effect are named, deprecated ones copied [CFG-05]") {
    const Loaded later = parsed("rtc: {use_mdns: true, enable_warp: false}\npsrpc: {timeout: 3s}");
    REQUIRE(later.warnings.size() == 1);
    CHECK(has(later.warnings[0].message, "rtc.use_mdns is valid but not implemented"));
    CHECK(parsed("debug_handler: {port: 0}").warnings.empty());
    CHECK(!parse_yaml("debug_handler_port: 1"));

    const Loaded old = parsed("prometheus_port: 9\nroom: {max_metadata_size: 5}");
    CHECK(old.config.prometheus.port == 9);
    CHECK(old.config.limit.max_metadata_size == 5);
    CHECK(old.warnings.size() == 2);
    // 0 meant "not set", and the new key wins wherever it stands.
    CHECK(parsed("room: {max_metadata_size: 0}").config.limit.max_metadata_size == 512 * 1024);
    CHECK(parsed("prometheus: {port: 1}\nprometheus_port: 2").config.prometheus.port == 1);
    CHECK(parsed("prometheus_port: 2\nprometheus: {port: 1}").config.prometheus.port == 1);
}

TEST_CASE("parse_yaml: the defaults of the key table [CFG-05]") {
    const Config c;
    CHECK(c.port == 7880);
    CHECK(c.rtc.tcp_port == 7881);
    CHECK(!c.rtc.congestion_control.allow_pause);
    CHECK(c.audio.update_interval == 400);
    CHECK(c.audio.active_level == 35);
    CHECK(c.limit.num_tracks == 0);
    CHECK(c.limit.bytes_per_sec == 0);
    CHECK(default_text(*find_option("signal_relay.retry_timeout")) == "7.5s");
    CHECK(default_text(*find_option("psrpc.timeout")) == "3s");
    CHECK(c.room.enabled_codecs.size() == 10);
}

TEST_CASE("parse_keys: needs the space [CFG-02][CFG-07][CLI-01]") {
    const auto keys = parse_keys("APIa: one\nAPIb: 'two'\n");
    REQUIRE(keys);
    CHECK(keys->at("APIa").reveal() == "one");
    CHECK(keys->at("APIb").reveal() == "two");
    for (const std::string_view bad : {"APIa:one", "", "[a]", "a: ", "a: [b]", "a: b: c"}) {
        CAPTURE(bad);
        CHECK(parse_keys(bad).error() ==
              "Could not parse keys, it needs to be exactly, \"key: secret\", including the space");
    }
}

TEST_CASE("apply_environment, apply_flags: flags beat environment, both beat the file [CLI-02]") {
    Loaded loaded = parsed("port: 1\nrtc: {tcp_port: 1, node_ip: 9.9.9.9}\nregion: file");
    const auto env = environment({{"LIVEKIT_PORT", "2"},
                                  {"LIVEKIT_RTC_TCP_PORT", "2"},
                                  {"LIVEKIT_RTC_NODE_IP", "1.1.1.1"},
                                  {"NODE_IP", "2.2.2.2"},
                                  {"UDP_PORT", "5000-5001"},
                                  {"LIVEKIT_KEYS", "a: b"},
                                  {"LIVEKIT_REGION", ""},
                                  {"LIVEKIT_LIMIT_BYTES_PER_SEC", "12.5"},
                                  {"LIVEKIT_PROMETHEUS_PORT", "77"},
                                  {"CONFAB_WORKERS", "4"},
                                  {"LIVEKIT_URL", "ws://x"}});
    REQUIRE(apply_environment(loaded, env));
    REQUIRE(apply_flags(loaded, {{"port", {"3"}}, {"bind_addresses", {"::1", "127.0.0.1"}}}));
    CHECK(loaded.warnings.empty());
    CHECK(loaded.config.port == 3);
    CHECK(loaded.config.rtc.tcp_port == 2);
    CHECK(loaded.config.rtc.node_ip == "2.2.2.2");
    CHECK(loaded.config.rtc.udp_port == PortRange{5000, 5001});
    CHECK(loaded.config.keys.at("a").reveal() == "b");
    CHECK(loaded.config.region == "file");
    CHECK(loaded.config.limit.bytes_per_sec == 12.5);
    CHECK(loaded.config.prometheus.port == 77);
    CHECK(loaded.config.own.workers == 4);
    CHECK(loaded.config.bind_addresses.size() == 2);

    const auto bad = apply_environment(loaded, environment({{"LIVEKIT_PORT", "x"}}));
    REQUIRE(!bad);
    CHECK(to_text(bad.error()) == "LIVEKIT_PORT needs a whole number from 0 to 65535");
    CHECK(!apply_flags(loaded, {{"audio.active_level", {"128"}}}));
    REQUIRE(apply_flags(loaded, {{"turn.enabled", {"true"}}}));
    CHECK(loaded.warnings.size() == 1);
}

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

}  // namespace confab::config
