// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/load.h"

#include <doctest/doctest.h>

#include "config/load_testing.h"
#include "config/options.h"

namespace confab::config {

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

}  // namespace confab::config
