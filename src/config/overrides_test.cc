// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include "config/load_testing.h"
#include "config/options.h"

namespace confab::config {

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
    REQUIRE(apply_flags(
        loaded, {{"rtc.congestion_control.stream_allocator.disable_etimation_unmanaged_tracks",
                  {"true"}}}));
    CHECK(loaded.warnings.size() == 1);
}

TEST_CASE("apply_environment: of a short and a long name the short one counts [CLI-01][CLI-02]") {
    struct Row {
        std::string_view path;
        std::string_view longer;
        std::string_view shorter;
    };
    constexpr Row kRows[] = {{"rtc.node_ip", "LIVEKIT_RTC_NODE_IP", "NODE_IP"},
                             {"redis.address", "LIVEKIT_REDIS_ADDRESS", "REDIS_HOST"},
                             {"turn.cert_file", "LIVEKIT_TURN_CERT_FILE", "LIVEKIT_TURN_CERT"},
                             {"turn.key_file", "LIVEKIT_TURN_KEY_FILE", "LIVEKIT_TURN_KEY"}};
    for (const Row& row : kRows) {
        CAPTURE(row.path);
        const auto value = [&row](Loaded& loaded) {
            return *std::get<std::string*>(find_option(row.path)->slot(loaded.config));
        };
        Loaded loaded = parsed(yaml_of(row.path, "file"));
        const std::string longer(row.longer);
        const std::string shorter(row.shorter);
        REQUIRE(apply_environment(loaded, environment({{longer, "long"}})));
        CHECK(value(loaded) == "long");
        REQUIRE(apply_environment(loaded, environment({{longer, "long"}, {shorter, "short"}})));
        CHECK(value(loaded) == "short");
        // An empty one is as good as none.
        REQUIRE(apply_environment(loaded, environment({{longer, "long"}, {shorter, ""}})));
        CHECK(value(loaded) == "long");
    }
}

TEST_CASE("apply_environment: new names beat old ones, and old ones are told [CFG-05][CLI-02]") {
    Loaded loaded;
    REQUIRE(apply_environment(loaded, environment({{"LIVEKIT_LOG_LEVEL", "warn"},
                                                   {"LIVEKIT_LOGGING_LEVEL", "error"},
                                                   {"LIVEKIT_ROOM_MAX_METADATA_SIZE", "7"}})));
    CHECK(loaded.config.logging.level == "error");
    CHECK(loaded.config.limit.max_metadata_size == 7);
    REQUIRE(loaded.warnings.size() == 2);
    CHECK(loaded.warnings[0].message == "LIVEKIT_LOG_LEVEL is deprecated; use logging.level");
    CHECK(has(loaded.warnings[1].message, "use limit.max_metadata_size"));

    Loaded dropped;
    REQUIRE(apply_environment(dropped, environment({{"LIVEKIT_RTC_STRICT_ACKS", "true"}})));
    REQUIRE(dropped.warnings.size() == 1);
    CHECK(has(dropped.warnings[0].message, "deprecated; it has no effect"));
}

TEST_CASE("apply_environment: every mistake is told, none with its value [CLI-02][IMM-16]") {
    Loaded loaded;
    const auto failed = apply_environment(loaded, environment({{"LIVEKIT_PORT", "hunter2"},
                                                               {"UDP_PORT", "hunter2"},
                                                               {"LIVEKIT_KEYS", "APIa:hunter2"}}));
    REQUIRE(!failed);
    CHECK(failed.error().size() == 3);
    const std::string text = to_text(failed.error());
    for (const std::string_view name : {"LIVEKIT_PORT", "UDP_PORT", "LIVEKIT_KEYS"})
        CHECK_MESSAGE(has(text, name), name);
    CHECK(!has(text, "hunter2"));
}

TEST_CASE("apply_flags: the last of a repeated flag counts, of bind all [CLI-01]") {
    Loaded loaded = parsed("{bind_addresses: [10.0.0.1], keys: {file: secret}}");
    REQUIRE(apply_flags(loaded, {{"port", {"1", "2"}},
                                 {"bind_addresses", {"::1", "127.0.0.1"}},
                                 {"keys", {"flag: one\nother: two"}},
                                 {"region", {""}}}));
    CHECK(loaded.config.port == 2);
    CHECK(loaded.config.bind_addresses == std::vector<std::string>{"::1", "127.0.0.1"});
    CHECK(loaded.config.keys.size() == 2);  // in place of those of the file
    CHECK(!loaded.config.keys.contains("file"));
    const auto bad = apply_flags(loaded, {{"keys", {"a:b"}}});
    REQUIRE(!bad);
    CHECK(has(to_text(bad.error()), "including the space (--keys)"));
}

TEST_CASE("apply_flags: a new name beats the old one, in whatever order they stand [CFG-05]") {
    for (const bool old_first : {true, false}) {
        std::vector<FlagValue> flags = {{"log_level", {"warn"}},
                                        {"logging.level", {"error"}},
                                        {"room.max_metadata_size", {"7"}}};
        if (!old_first) std::swap(flags[0], flags[1]);
        Loaded loaded;
        REQUIRE(apply_flags(loaded, flags));
        CHECK(loaded.config.logging.level == "error");
        CHECK(loaded.config.limit.max_metadata_size == 7);
        REQUIRE(loaded.warnings.size() == 2);
        CHECK(loaded.warnings[0].message == "--log_level is deprecated; use logging.level");
    }
}

TEST_CASE("apply_environment, apply_flags: a default is no news, as in the file [CFG-05][CLI-02]") {
    struct Row {
        std::string_view path;
        std::string value;
        bool told;
    };
    const Row rows[] = {
        {"rtc.use_mdns", "false", false},
        {"rtc.use_mdns", "true", true},
        {"rtc.congestion_control.stream_allocator.disable_etimation_unmanaged_tracks", "0", false},
        {"rtc.congestion_control.stream_allocator.disable_etimation_unmanaged_tracks", "1", true},
        {"api.execution_timeout", "2000ms", false},
        {"api.execution_timeout", "4s", true},
        {"webhook.url_notifier.num_workers", "10", false},
        {"webhook.url_notifier.num_workers", "0", true}};
    for (const Row& row : rows) {
        CAPTURE(row.path);
        CAPTURE(row.value);
        Loaded by_env;
        const std::string name = env_name(*find_option(row.path));
        REQUIRE(apply_environment(by_env, environment({{name, row.value}})));
        Loaded by_flag;
        REQUIRE(apply_flags(by_flag, {{std::string(row.path), {row.value}}}));
        REQUIRE(by_env.warnings.size() == (row.told ? 1 : 0));
        REQUIRE(by_flag.warnings.size() == (row.told ? 1 : 0));
        CHECK(parsed(yaml_of(row.path, row.value)).warnings.size() == (row.told ? 1 : 0));
        if (!row.told) continue;
        const std::string text = " is valid but not implemented in this release; ignored";
        CHECK(by_env.warnings[0].message == name + text);
        CHECK(by_flag.warnings[0].message == "--" + std::string(row.path) + text);
    }
}

TEST_CASE("apply_flags: what is no option or has no value changes nothing") {
    Loaded loaded;
    REQUIRE(apply_flags(loaded, {{"no.such", {"1"}}, {"port", {}}, {"bind_addresses", {}}}));
    CHECK(loaded.warnings.empty());
    CHECK(loaded.config.port == 7880);
    CHECK(loaded.config.bind_addresses.empty());
}

TEST_CASE("apply_environment: asks for each variable once, and for no empty name [CLI-02]") {
    std::map<std::string, int> asked;
    Loaded loaded;
    REQUIRE(apply_environment(loaded, [&asked](std::string_view name) {
        ++asked[std::string(name)];
        return std::optional<std::string>();
    }));
    CHECK(!asked.contains(""));
    CHECK(asked.contains("LIVEKIT_KEYS"));
    CHECK(!asked.contains("LIVEKIT_BIND_ADDRESSES"));
    for (const auto& [name, count] : asked) {
        CAPTURE(name);
        CHECK(count == 1);
        const bool prefixed = name.starts_with("LIVEKIT_") || name.starts_with("CONFAB_");
        const bool short_name = name == "NODE_IP" || name == "UDP_PORT" || name == "REDIS_HOST" ||
                                name == "REDIS_PASSWORD";
        CHECK((prefixed || short_name));
    }
}

TEST_CASE("apply_environment, apply_flags: what is refused leaves the value as it was [CLI-02]") {
    Loaded loaded = parsed("{port: 1, audio: {active_level: 30}, keys: {a: b}}");
    for (const auto& [path, value] : std::map<std::string, std::string>{
             {"port", "x"}, {"audio.active_level", "128"}, {"keys", "a:b"}}) {
        CHECK(!apply_flags(loaded, {{path, {value}}}));
        const std::string name = path == "keys" ? "LIVEKIT_KEYS" : env_name(*find_option(path));
        CHECK(!apply_environment(loaded, environment({{name, value}})));
    }
    CHECK(loaded.config.port == 1);
    CHECK(loaded.config.audio.active_level == 30);
    CHECK(loaded.config.keys.at("a").reveal() == "b");
}

}  // namespace confab::config
