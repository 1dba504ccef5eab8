// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/print.h"

#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "base/text.h"
#include "config/load.h"
#include "config/options.h"
#include "config/yaml/value.h"

namespace confab::config {
namespace {

// "#key: value" becomes "key: value"; "# text" stays a comment.
std::string uncommented(const std::string& sample) {
    std::string out;
    for (const std::string_view line : split(sample, '\n')) {
        const std::size_t hash = line.find_first_not_of(' ');
        const bool key = hash != line.npos && line[hash] == '#' && hash + 1 < line.size() &&
                         line[hash + 1] != ' ';
        out += key ? std::string(line.substr(0, hash)) + std::string(line.substr(hash + 1))
                   : std::string(line);
        out += '\n';
    }
    return out;
}

}  // namespace

TEST_CASE("options: every row is complete and sections stand together") {
    std::set<std::string_view> paths;
    std::set<std::string> entered;
    std::string_view last_section = "-";
    for (const Option& option : options()) {
        CAPTURE(option.path);
        CHECK(paths.insert(option.path).second);
        CHECK(!option.help.empty());
        CHECK(option.help.back() != '.');
        CHECK(kind_of(option) != Kind::kNone);
        CHECK((option.slot != nullptr) == (option.kind == Kind::kNone));
        CHECK(!default_text(option).empty());
        if (!option.instead.empty()) CHECK(find_option(option.instead) != nullptr);
        const std::string_view section = option.path.substr(0, option.path.find('.'));
        if (section != last_section && option.path.find('.') != option.path.npos)
            CHECK(entered.insert(std::string(section)).second);
        last_section = section;
    }
    CHECK(paths.size() > 280);
}

TEST_CASE("options: every default is accepted as a value [CFG-06]") {
    for (const Option& option : options()) {
        CAPTURE(option.path);
        std::string yaml;
        std::size_t depth = 0;
        for (const std::string_view part : split(option.path, '.')) {
            if (depth > 0) yaml += "\n";
            yaml += std::string(depth++, ' ') + std::string(part) + ":";
        }
        const auto loaded = parse_yaml(yaml + " " + default_text(option) + "\n");
        if (!loaded) FAIL(to_text(loaded.error()));
        if (option.status != Status::kDeprecated) CHECK(loaded->warnings.empty());
    }
}

TEST_CASE("annotated_sample: parses, and its keys hold the defaults") {
    const std::string sample = annotated_sample();
    CHECK(effective(parse_yaml(sample)->config) == effective(Config{}));
    auto all = parse_yaml(uncommented(sample));
    if (!all) FAIL(to_text(all.error()));
    CHECK(all->warnings.empty());
    all->config.rtc.port_range_start = all->config.rtc.port_range_end = 0;  // chosen later
    all->config.turn.relay_range_start = all->config.turn.relay_range_end = 0;
    CHECK(effective(all->config) == effective(Config{}));
    CHECK(sample.find("#tcp_port: 7881") != sample.npos);
}

TEST_CASE("effective: is read back as itself and hides secrets [IMM-16]") {
    const auto loaded = parse_yaml(R"(
keys: {APIa: hunter2}
prometheus: {port: 1, username: u, password: hunter2}
redis: {password: hunter2}
rtc: {turn_servers: [{host: h, port: 1, protocol: tls, username: u, credential: hunter2}], node_ip: 1.2.3.4}
room: {room_configurations: {a: {tags: {x: "1"}, agents: [{agent_name: "q\"\n"}]}}}
video: {dynacast_pause_delay: 1m30s}
)");
    REQUIRE(loaded);
    const std::string text = effective(loaded->config);
    CHECK(text.find("hunter2") == text.npos);
    CHECK(text.find("\"APIa\": \"<redacted>\"") != text.npos);
    CHECK(text.find("node_ip: \"1.2.3.4\"") != text.npos);
    const auto again = parse_yaml(text);
    if (!again) FAIL(to_text(again.error()));
    CHECK(effective(again->config) == text);
}

TEST_CASE("effective: shows no value of any secret option, however it came [IMM-16]") {
    std::size_t secrets = 0;
    for (const Option& option : options()) {
        const Kind kind = kind_of(option);
        if (kind != Kind::kSecret && kind != Kind::kKeys) continue;
        if (option.slot == nullptr) continue;
        CAPTURE(option.path);
        ++secrets;
        Loaded loaded;
        const std::string text = kind == Kind::kKeys ? "a: hunter2" : "hunter2";
        REQUIRE(apply_flags(loaded, {{std::string(option.path), {text}}}));
        CHECK(effective(loaded.config).find("hunter2") == std::string::npos);
        CHECK(effective(loaded.config).find("<redacted>") != std::string::npos);
        for (const Diagnostic& warning : loaded.warnings)
            CHECK(warning.message.find("hunter2") == std::string::npos);
    }
    CHECK(secrets >= 3);
    // An empty one is shown as empty: nothing is hidden there.
    CHECK(effective(Config{}).find("<redacted>") == std::string::npos);
}

TEST_CASE("format_number: whole numbers without exponent, to be read back by any setting") {
    CHECK(format_number(0) == "0");
    CHECK(format_number(1'000'000) == "1000000");
    CHECK(format_number(-1e9) == "-1000000000");
    CHECK(format_number(0.95) == "0.95");
    for (const double value : {1e14, 1e15, 1e300, -1e-300, 1.0 / 3}) {
        double back = 0;
        REQUIRE(read_scalar(&back, format_number(value)));
        CHECK(back == value);
    }
}

TEST_CASE("reference_markdown: is what docs/reference/config.md holds") {
    std::ifstream file(CONFAB_SOURCE_DIR "/docs/reference/config.md");
    std::stringstream committed;
    committed << file.rdbuf();
    const bool same = committed.str() == reference_markdown();
    CHECK_MESSAGE(same, "run: confab config reference > docs/reference/config.md");
}

TEST_CASE("env_name: LIVEKIT_ and the path, CONFAB_ for own keys [CLI-02]") {
    CHECK(env_name(*find_option("rtc.tcp_port")) == "LIVEKIT_RTC_TCP_PORT");
    CHECK(env_name(*find_option("port")) == "LIVEKIT_PORT");
    CHECK(env_name(*find_option("confab.workers")) == "CONFAB_WORKERS");
    const std::string help = flag_help();
    CHECK(help.find("--rtc.tcp_port  [LIVEKIT_RTC_TCP_PORT]") != help.npos);
    CHECK(help.find("--rtc.stun_servers") == help.npos);  // lists have none
}

TEST_CASE("effective: shows no credential of a preset [IMM-16]") {
    const auto loaded = parse_yaml(R"(
room:
  room_configurations:
    recorded:
      max_participants: 5
      egress:
        room:
          file_outputs:
            - {filepath: "x.mp4", s3: {access_key: AKIA, secret: hunter2, bucket: b}}
            - gcp: {credentials: "hunter2", bucket: b}
            - azure: {account_name: n, account_key: hunter2}
            - aliOSS: {accessKey: AKIA, secret: hunter2}
            - s3: {proxy: {url: "http://p", username: u, password: hunter2}}
)");
    REQUIRE(loaded);
    const std::string text = effective(loaded->config);
    CHECK(text.find("hunter2") == text.npos);
    CHECK(text.find("AKIA") == text.npos);
    for (const std::string_view shown :
         {R"("max_participants": 5)", R"("filepath": "x.mp4")", R"("bucket": "b")",
          R"("account_name": "n")", R"("username": "u")", R"("secret": "<redacted>")"})
        CHECK_MESSAGE(text.find(shown) != text.npos, shown);
    const auto again = parse_yaml(text);
    REQUIRE(again);
    CHECK(effective(again->config) == text);
}

TEST_CASE("effective: every option with a member once, under its section, and no old name") {
    const std::string text = effective(Config{});
    for (const Option& option : options()) {
        if (option.slot == nullptr || option.status == Status::kDeprecated) continue;
        CAPTURE(option.path);
        const std::string_view last = option.path.substr(option.path.rfind('.') + 1);
        CHECK(text.find(std::string(last) + ": ") != text.npos);
    }
    CHECK(text.find("log_level") == text.npos);
    CHECK(text.find("prometheus_port") == text.npos);
    CHECK(text.find("use_tls") == text.npos);
    CHECK(text.find("\nrtc:\n") != text.npos);
    CHECK(text.find("\n  pli_throttle:\n    low_quality: 500ms\n") != text.npos);
    // A blank line before a section of the top, none inside one.
    CHECK(text.find("\n\nrtc:\n") != text.npos);
    CHECK(text.find("\n\n  pli_throttle:") == text.npos);
    CHECK(text.find("\nrtc:\n", text.find("\nrtc:\n") + 1) == text.npos);
}

TEST_CASE("annotated_sample: every used option with its meaning in front, no other") {
    const std::string sample = annotated_sample();
    std::size_t used = 0;
    for (const Option& option : options()) {
        const std::string_view last = option.path.substr(option.path.rfind('.') + 1);
        const std::string line = "#" + std::string(last) + ": " + default_text(option) + "\n";
        if (option.status != Status::kUsed) continue;
        ++used;
        CAPTURE(option.path);
        const std::size_t help = sample.find("# " + std::string(option.help));
        REQUIRE(help != sample.npos);
        CHECK(sample.find(line, help) != sample.npos);
    }
    std::size_t keys = 0;
    const std::string bare = uncommented(sample);
    for (const std::string_view line : split(bare, '\n'))
        keys += line.find_first_not_of(' ') != line.npos &&
                line[line.find_first_not_of(' ')] != '#' && !line.ends_with(':');
    CHECK(keys == used);
    for (const std::string_view part :
         {"; from 0 to 127\n", "; one of padding|media\n", "; flag `--node-ip`"})
        CHECK_MESSAGE(sample.find(part) != sample.npos, part);
}

TEST_CASE("reference_markdown: names variables, flags, bounds, old keys and what has no effect") {
    const std::string text = reference_markdown();
    for (const std::string_view row :
         {"| `rtc.tcp_port` | port | `7881` | `LIVEKIT_RTC_TCP_PORT` | Media over TCP",
          "| `rtc.node_ip` | text | `\"\"` | `LIVEKIT_RTC_NODE_IP`, `NODE_IP` | ",
          "| `keys` | map of secrets | `{}` | `LIVEKIT_KEYS` | ",
          "| `rtc.stun_servers` | list of texts | `[]` |  | ",
          "| `region` | text | `\"\"` | `LIVEKIT_REGION` | ", "; from 1 to 32768 |",
          "; one of padding\\|media |", "| `prometheus_port` | `prometheus.port` |\n",
          "| `rtc.strict_acks` | nothing, it has no effect |\n",
          "| `api.execution_timeout` | duration | `2s` | Longest wait for an effect |\n",
          "| `prometheus.password` | secret | `\"\"` | ", "| `limit.num_tracks` | whole number | "})
        CHECK_MESSAGE(text.find(row) != text.npos, row);
    // Each option stands in the table of its status.
    const std::size_t later = text.find("\n## Valid, not implemented\n");
    const std::size_t other = text.find("\n## Valid, for another design\n");
    const std::size_t deprecated = text.find("\n## Deprecated\n");
    REQUIRE(later < other);
    REQUIRE(other < deprecated);
    for (const Option& option : options()) {
        CAPTURE(option.path);
        const std::size_t at = text.find("\n| `" + std::string(option.path) + "` |");
        REQUIRE(at != text.npos);
        CHECK((at < later) == (option.status == Status::kUsed));
        CHECK((at > other && at < deprecated) == (option.status == Status::kOther));
        CHECK((at > deprecated) == (option.status == Status::kDeprecated));
    }
}

TEST_CASE("flag_help: a line for each scalar option, and says what has no effect yet [CLI-03]") {
    const std::string help = flag_help();
    std::size_t scalars = 0;
    for (const Option& option : options()) {
        const bool scalar = is_scalar(kind_of(option));
        scalars += scalar ? 1U : 0U;
        const std::size_t at = help.find("  --" + std::string(option.path) + "  [");
        CAPTURE(option.path);
        CHECK((at != help.npos) == scalar);
        if (!scalar) continue;
        const std::string line = help.substr(at, help.find('\n', at) - at);
        CHECK(line.ends_with("; no effect yet") == (option.status == Status::kLater));
    }
    CHECK(split(help, '\n').size() == scalars + 1);
}

TEST_CASE("effective_values: every option in force, and no secret in any") {
    Config config;
    config.port = 7000;
    config.keys["APIkey"] = SecretText("the-secret-of-a-key");
    config.own.console_password = SecretText("the-password");
    config.webhook.urls = {"https://user:the-password@hooks.example:8443/a@b?token=the-secret",
                           "https://plain.example/hook"};
    config.redis.address = "redis.example:6379";
    TurnServer turn;
    turn.host = "turn.example";
    turn.credential = SecretText("the-secret");
    config.rtc.turn_servers.push_back(turn);
    config.room.room_configurations.items["p"] = R"({"s3":{"secret":"the-secret"}})";
    std::size_t used = 0;
    for (const Option& option : options())
        if (option.slot != nullptr && option.status != Status::kDeprecated) ++used;
    const std::vector<EffectiveValue> values = effective_values(config);
    CHECK(values.size() == used);
    const auto find = [&](std::string_view name) -> const EffectiveValue& {
        for (const EffectiveValue& value : values)
            if (value.name == name) return value;
        FAIL("no option ", name);
        return values.front();
    };
    for (const EffectiveValue& value : values) {
        CAPTURE(value.name);
        CHECK(value.value.find("the-") == std::string::npos);
    }
    CHECK(find("port").value == "7000");
    CHECK_FALSE(find("port").is_default);
    CHECK(find("region").is_default);
    CHECK(find("keys").value == "(set)");
    CHECK(find("confab.console_password").value == "(set)");
    CHECK(find("confab.console_viewer_password").value.empty());
    CHECK(find("rtc.turn_servers").value == "(set)");
    CHECK(find("room.room_configurations").value == "(set)");
    CHECK(find("redis.address").value == "redis.example:6379");
    CHECK(find("webhook.urls").value.find("https://(set)@hooks.example:8443/a@b?(set)") !=
          std::string::npos);
    CHECK(find("webhook.urls").value.find("https://plain.example/hook") != std::string::npos);
}

}  // namespace confab::config
