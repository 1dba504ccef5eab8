// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <algorithm>

#include "config/load_testing.h"
#include "config/options.h"
#include "config/yaml/value.h"

namespace confab::config {

TEST_CASE(
    "parse_yaml: what is given twice is refused in every kind of map, with its line [CFG-01]") {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"port: 1\nport: 1", "line 2: port is given twice"},
        {"rtc: {tcp_port: 1}\nrtc: {udp_port: 1}", "line 2: rtc is given twice"},
        {"rtc:\n  tcp_port: 1\n  tcp_port:", "line 3: rtc.tcp_port is given twice"},
        {"keys:\n  a: b\n  a: c", "line 3: a name is given twice in keys"},
        {"logging:\n  component_levels:\n    sfu: info\n    sfu: warn", "line 4: a name is given"},
        {"room: {room_configurations: {a: {}, a: {}}}", "given twice in room.room_configurations"},
        {"rtc: {turn_servers: [{host: a, host: b}]}", "given twice in rtc.turn_servers"},
        {"room: {enabled_codecs: [{mime: a, mime: b}]}", "given twice in room.enabled_codecs"}};
    for (const auto& [yaml, error] : rows) {
        CAPTURE(yaml);
        CHECK(has(error_of(yaml), error));
        // Also where unknown keys are only warned of: one of the two would be lost.
        CHECK(has(error_of(yaml, {.strict = false}), error));
    }
}

TEST_CASE("parse_yaml: null keeps a default, but is no element of a list or map [CFG-06]") {
    for (const Option& option : options()) {
        CAPTURE(option.path);
        for (const std::string_view null : {"", "~", "null"}) {
            const auto loaded = parse_yaml(yaml_of(option.path, null));
            REQUIRE(loaded);
            CHECK(loaded->warnings.empty());
        }
    }
    for (const std::string_view bad :
         {"bind_addresses: [~]", "keys: {a: ~}", "logging: {component_levels: {a: ~}}",
          "rtc: {turn_servers: [~]}", "node_stats: {stats_rate_measurement_intervals: [~]}"})
        CHECK_MESSAGE(has(error_of(bad), "!!null"), bad);
}

TEST_CASE("parse_yaml: every option refuses what has the wrong form [CFG-06]") {
    for (const Option& option : options()) {
        CAPTURE(option.path);
        const Kind kind = kind_of(option);
        const bool map = kind == Kind::kKeys || kind == Kind::kStringMap ||
                         kind == Kind::kStringLists || kind == Kind::kJsonByName;
        const bool list = !is_scalar(kind) && !map;
        if (!list) CHECK(has(error_of(yaml_of(option.path, "[a, b]")), "!!seq"));
        if (!map) CHECK(has(error_of(yaml_of(option.path, "{a: b}")), "!!map"));
        if (!is_scalar(kind)) CHECK(has(error_of(yaml_of(option.path, "text")), "!!str"));
        // A number in quotes is a text.
        const bool number = kind == Kind::kBool || kind == Kind::kUint16 || kind == Kind::kUint32 ||
                            kind == Kind::kInt32 || kind == Kind::kFloat;
        if (number) CHECK(has(error_of(yaml_of(option.path, "\"1\"")), "without quotes"));
        // Every other key is the end of its path.
        if (!map) CHECK(!error_of(yaml_of(std::string(option.path) + ".deeper", "1")).empty());
    }
}

TEST_CASE("parse_yaml: every section refuses an unknown key and a value in its place [CFG-01]") {
    std::size_t sections = 0;
    for (const Option& option : options()) {
        for (std::size_t dot = option.path.find('.'); dot != option.path.npos;
             dot = option.path.find('.', dot + 1)) {
            const std::string section(option.path.substr(0, dot));
            CAPTURE(section);
            ++sections;
            CHECK(has(error_of(yaml_of(section + ".qqqqqqqq", "1")),
                      "field qqqqqqqq not found in " + section + ";"));
            CHECK(has(error_of(yaml_of(section, "1")), "into map: " + section + " needs"));
            const auto relaxed = parse_yaml(yaml_of(section + ".qqqqqqqq", "1"), {.strict = false});
            REQUIRE(relaxed);
            REQUIRE(relaxed->warnings.size() == 1);
            CHECK(has(relaxed->warnings[0].message, "; ignored"));
        }
    }
    CHECK(sections > 200);
}

TEST_CASE("parse_yaml: only unknown keys become warnings without strictness [CFG-01]") {
    for (const std::string_view bad : {"port: x", "audio: {active_level: 128}", "rtc: 1", "[]",
                                       "rtc: {turn_servers: [{port: x}]}", "a: b: c"})
        CHECK_MESSAGE(!parse_yaml(bad, {.strict = false}), bad);
    const auto loaded = parse_yaml("rtc: {turn_servers: [{hots: x, host: h}]}", {.strict = false});
    REQUIRE(loaded);
    CHECK(loaded->config.rtc.turn_servers.at(0).host == "h");
    // Warnings have an end, too.
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "unknown" + std::to_string(i) + ": 1\n";
    CHECK(parse_yaml(many, {.strict = false})->warnings.size() == kMaxDiagnostics);
}

TEST_CASE("parse_yaml: errors show no secret and only the start of a long text [IMM-16]") {
    for (const Option& option : options()) {
        const Kind kind = kind_of(option);
        if (kind != Kind::kSecret && kind != Kind::kKeys) continue;
        CAPTURE(option.path);
        for (const std::string_view bad :
             {"[hunter2]", "{hunter2: {hunter2: hunter2}}", "{a: [hunter2]}", "{a: {b: hunter2}}"})
            CHECK(!has(error_of(yaml_of(option.path, bad)), "hunter2"));
    }
    CHECK(!has(error_of("keys: APIa:hunter2"), "hunter2"));
    CHECK(!has(error_of("rtc: {turn_servers: [{secret: [hunter2]}]}"), "hunter2"));
    CHECK(!has(error_of("rtc: {turn_servers: hunter2}"), "hunter2"));
    const std::string name(5000, 'n');
    CHECK(error_of(name + ": 1").size() < 300);
    CHECK(error_of("port: " + name).size() < 300);
    // Cut between characters: the text stays UTF-8.
    std::string umlauts;
    for (int i = 0; i < 100; ++i)
        umlauts += "\u00e4";
    CHECK(is_valid_utf8(error_of("port: x" + umlauts)));
    CHECK(is_valid_utf8(error_of("x" + umlauts + ": 1")));
}

TEST_CASE("parse_keys: a key given twice is refused and no secret told [CFG-02]") {
    const auto twice = parse_keys("APIa: hunter2\nAPIb: x\nAPIa: hunter3\n");
    REQUIRE(!twice);
    CHECK(twice.error() == "API key APIa is given twice; remove one of them");
}

TEST_CASE("parse_yaml: files of other systems are read [CFG-01]") {
    for (const std::string_view text :
         {"\xEF\xBB\xBFport: 9\n", "port: 9\r\nregion: x\r\n", "---\nport: 9\n", "port: 9\n...\n",
          "%YAML 1.2\n---\nport: 9", "# only\n\nport: 9   # behind\n", "{port: 9, region: }"})
        CHECK_MESSAGE(parsed(text).config.port == 9, text);
    CHECK(has(error_of("rtc:\n\ttcp_port: 1"), "line 2"));  // a tab
}

TEST_CASE("parse_yaml: an unknown key is told with the name that was meant [CFG-01]") {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"porrt: 1", "field porrt not found in the top level; did you mean port?"},
        {"rtc: {nodeip: x}", "did you mean rtc.node_ip?"},
        {"rtc: {pli_throttel: {}}", "did you mean rtc.pli_throttle?"},
        {"rtc: {pli_throttle: {low: 1s}}", "remove it, or see `confab config reference`"},
        // Of another section.
        {"node_ip: x", "did you mean rtc.node_ip?"},
        {"workers: 2", "did you mean confab.workers?"},
        {"confab: {keys: {}}", "did you mean keys?"},
        // In an entry of a list.
        {"rtc: {turn_servers: [{hots: x}]}", "in an entry of rtc.turn_servers; did you mean host?"},
        {"room: {enabled_codecs: [{type: x}]}", "in an entry of room.enabled_codecs; remove it"},
        // Never an old name: it would be warned of next.
        {"prometheus_prt: 1", "did you mean prometheus.port?"},
        {"log_levle: info", "did you mean logging.level?"},
        {"rtc: {strict_ack: true}", "remove it, or see `confab config reference`"},
        {"strict_acks: true", "remove it, or see `confab config reference`"},
        {"rtc: {<<: {tcp_port: 1}}", "write the values out, merging is not supported"}};
    for (const auto& [yaml, remedy] : rows) {
        CAPTURE(yaml);
        CHECK(has(error_of(yaml), remedy));
        const auto relaxed = parse_yaml(yaml, {.strict = false});
        REQUIRE(relaxed);
        REQUIRE(relaxed->warnings.size() == 1);
        CHECK(has(relaxed->warnings[0].message, remedy));
        CHECK(relaxed->warnings[0].message.ends_with("; ignored"));
        CHECK(relaxed->warnings[0].line == 1);
    }
}

TEST_CASE("parse_yaml: unknown keys are found inside trees, too [CFG-01]") {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"sip: {trunk: x}", "field trunk not found in sip"},
        {"node_selector:\n  regions:\n    - {name: eu, lat: 1, lon: 2}\n    - {nmae: us}",
         "line 4: field nmae not found in an entry of node_selector.regions; did you mean name?"},
        {"video: {stream_tracker_manager: {video: {packet_tracker: {0: {cycle_required: 4}}}}}",
         "did you mean cycles_required?"},
        {"video: {stream_tracker_manager: {screenshare: {packet_tracker: {0: {fps: 4}}}}}",
         "field fps not found in an entry of "
         "video.stream_tracker_manager.screenshare.packet_tracker; remove it"}};
    for (const auto& [yaml, error] : rows) {
        CAPTURE(yaml);
        CHECK(has(error_of(yaml), error));
        CHECK(parse_yaml(yaml, {.strict = false}));
    }
    // Entries of another form are told, whatever is relaxed.
    for (const std::string_view bad : {"node_selector: {regions: [eu]}",
                                       "video: {stream_tracker_manager: {video: {packet_tracker: "
                                       "{0: 5}}}}"}) {
        CHECK(has(error_of(bad), "indented lines"));
        CHECK(!parse_yaml(bad, {.strict = false}));
    }
    CHECK(parse_yaml("sip: {}"));
    CHECK(parse_yaml("sip:"));
    CHECK(parse_yaml("node_selector: {regions: [{name: eu, lat: 1.5, lon: -2}]}"));
    CHECK(
        parse_yaml("video: {stream_tracker_manager: {video: {packet_tracker: {0: "
                   "{samples_required: 1, cycles_required: 4, cycle_duration: 500ms}}}}}"));
}

TEST_CASE("parse_yaml: values are shown by their YAML type [CFG-07]") {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"port: x", "cannot unmarshal !!str `x` into uint16: port needs a whole number"},
        {"port: '80'", "cannot unmarshal !!str `80` into uint16: port needs a value without"},
        {"port: 65536", "cannot unmarshal !!int `65536` into uint16"},
        {"port: [1]", "cannot unmarshal !!seq into uint16: port needs a single value"},
        {"port: {a: 1}", "cannot unmarshal !!map into uint16: port needs a single value"},
        {"room: {empty_timeout: 5s}", "!!str `5s` into uint32"},
        {"audio: 5", "cannot unmarshal !!int `5` into map: audio needs indented lines"},
        {"webhook: {urls: x}", "cannot unmarshal !!str into []string: webhook.urls needs a list"},
        {"webhook: {urls: [[x]]}", "cannot unmarshal !!seq into string: webhook.urls needs"},
        {"logging: {component_levels: {a: [x]}}", "logging.component_levels.a needs a single"},
        {"rtc: {turn_servers: [{port: x}]}", "uint16: rtc.turn_servers[].port needs a whole"},
        {"node_selector: {kind: best}",
         "unsupported node selector: node_selector.kind needs one of any, cpuload, sysload"},
        {"rtc: {congestion_control: {stream_allocator: {probe_mode: x}}}",
         "line 1: rtc.congestion_control.stream_allocator.probe_mode needs one of padding, media"},
        {"audio: {active_level: 128}", "line 1: audio.active_level needs a number from 0 to 127"},
        {"x", "cannot unmarshal !!str `x` into map needs lines \"key: value\""}};
    for (const auto& [yaml, error] : rows) {
        CAPTURE(yaml);
        CHECK(has(error_of(yaml), error));
    }
}

TEST_CASE("parse_yaml: an error is one line, whatever stands in the text [CFG-07]") {
    std::string name(200, 'n');
    for (const std::string& yaml :
         {std::string("port: \"a\\nb\""), std::string("port: \"\\e[31mred\""),
          std::string("\"a\\nb\": 1"), std::string("rtc: {turn_servers: [{\"a\\nb\": 1}]}"),
          std::string("logging: {component_levels: {\"a\\nb\": [x]}}"),
          std::string("logging: {component_levels: {\"a\\x7f\": [x]}}"),
          "logging: {component_levels: {" + name + ": [x]}}"}) {
        CAPTURE(yaml);
        const auto refused = parse_yaml(yaml);
        REQUIRE(!refused);
        REQUIRE(refused.error().size() == 1);
        const std::string& message = refused.error()[0].message;
        for (const char c : message)
            CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F));
        CHECK(message.size() < 200);
    }
}

TEST_CASE("parse_yaml: of a long text the start is shown, up to whole characters [CFG-07]") {
    std::string umlauts;
    for (int i = 0; i < 30; ++i)
        umlauts += "\xC3\xA4";
    const std::string ascii(60, 'a');
    const std::pair<std::string, std::string> rows[] = {
        {"a b", "`a b`"},
        {ascii.substr(0, 40), "`" + ascii.substr(0, 40) + "`"},
        {ascii.substr(0, 41), "`" + ascii.substr(0, 40) + "`"},
        {umlauts, "`" + umlauts.substr(0, 40) + "`"},
        {"x" + umlauts, "`x" + umlauts.substr(0, 38) + "`"},
        {ascii.substr(0, 39) + "\xE2\x82\xAC", "`" + ascii.substr(0, 39) + "`"}};
    for (const auto& [value, shown] : rows) {
        CAPTURE(value);
        CHECK(has(error_of("port: " + value), "!!str " + shown + " into uint16"));
    }
}

TEST_CASE("parse_yaml: all that is not implemented is told, however much it is [CFG-05]") {
    std::string many = "rtc:\n";
    std::size_t count = 0;
    for (const Option& option : options()) {
        const bool here = option.path.starts_with("rtc.") && kind_of(option) == Kind::kBool &&
                          option.path.find('.', 4) == option.path.npos;
        if (!here || option.status != Status::kLater) continue;
        many += "  " + std::string(option.path.substr(4)) + ": " +
                (default_text(option) == "true" ? "false\n" : "true\n");
        ++count;
    }
    CHECK(parsed(many).warnings.size() == count);
    many +=
        "psrpc: {buffer_size: 9}\n"
        "redis: {read_timeout: 9, write_timeout: 9, pool_size: 9}\n"
        "webhook: {url_notifier: {num_workers: 9, queue_size: 9}}\n"
        "api: {execution_timeout: 9s, check_interval: 9s, max_check_interval: 9s,\n"
        "  enable_psrpc_for_get_list_participants: true}\n"
        "logging: {sample: true, sample_initial: 9, sample_interval: 9, item_sample_seconds: 9,\n"
        "  item_sample_initial: 9, item_sample_interval: 9}\n";
    REQUIRE(count + 16 > kMaxDiagnostics);
    CHECK(parsed(many).warnings.size() == count + 16);
}

TEST_CASE("parse_yaml: a list or map of the file takes the place of the default one [CFG-01]") {
    const Config c = parsed("{room: {enabled_codecs: []}, turn: {bind_addresses: []}}").config;
    CHECK(c.room.enabled_codecs.empty());
    CHECK(c.turn.bind_addresses.empty());
    // A list of its own, not more of the default.
    CHECK(parsed("turn: {bind_addresses: ['::']}").config.turn.bind_addresses ==
          std::vector<std::string>{"::"});
    CHECK(parsed("room: {enabled_codecs: [{mime: a/b}]}").config.room.enabled_codecs.size() == 1);
}

TEST_CASE("parse_yaml: one mistake does not hide the next, up to the bound [CFG-01]") {
    CHECK(parse_yaml("{port: x, rtc: {tcp_port: y, zzzzzz: 1}, audio: 5}").error().size() == 4);
    // An old name is read after the rest, but told as well.
    CHECK(parse_yaml("{log_level: [], port: x}").error().size() == 2);
    const auto mistakes = [](std::size_t count) {
        std::string yaml = "keys:\n  a: b\n";
        for (std::size_t i = 0; i < count; ++i)
            yaml += "unknown" + std::to_string(i) + ": 1\n";
        return yaml;
    };
    for (const std::size_t count : {kMaxDiagnostics - 1, kMaxDiagnostics, kMaxDiagnostics + 1}) {
        const std::size_t told = std::min(count, kMaxDiagnostics);
        CHECK(parse_yaml(mistakes(count)).error().size() == told);
        CHECK(parse_yaml(mistakes(count), {.strict = false})->warnings.size() == told);
    }
}

TEST_CASE("parse_yaml: what is not implemented is told unless it has its default [CFG-05]") {
    const std::pair<std::string_view, bool> rows[] = {
        {"rtc: {use_mdns: false}", false},      {"rtc: {use_mdns: no}", false},
        {"rtc: {use_mdns: true}", true},        {"node_selector: {regions: [{name: eu}]}", false},
        {"redis: {max_redirects: 3}", false},   {"api: {execution_timeout: 2000ms}", false},
        {"api: {execution_timeout: 3s}", true}, {"sip: {}", false}};
    for (const auto& [yaml, told] : rows) {
        CAPTURE(yaml);
        const Loaded loaded = parsed(yaml);
        CHECK(loaded.warnings.size() == (told ? 1 : 0));
        if (told) CHECK(has(loaded.warnings[0].message, " is valid but not implemented in this"));
    }
}

TEST_CASE("parse_yaml: what is done in another way is told with how, unless it has its default") {
    CHECK(parsed("rtc: {congestion_control: {send_side_bwe_pacer: no-queue}}").warnings.empty());
    const Loaded loaded = parsed("rtc: {congestion_control: {send_side_bwe_pacer: leaky-bucket}}");
    REQUIRE(loaded.warnings.size() == 1);
    CHECK(has(loaded.warnings[0].message, "send_side_bwe_pacer has no effect here (Packets wait "));
    CHECK(has(loaded.warnings[0].message, "); ignored"));
}

TEST_CASE("parse_keys: each line is a key, a blank and a secret, all of them text [CFG-02]") {
    const auto keys = parse_keys("# keys\n\nAPIa: one\n'APIb': \"t: wo\"\nAPIc: 42\n");
    REQUIRE(keys);
    CHECK(keys->size() == 3);
    CHECK(keys->at("APIb").reveal() == "t: wo");
    CHECK(keys->at("APIc").reveal() == "42");
    CHECK(parse_keys("{APIa: one, APIb: two}")->size() == 2);
    CHECK(parse_keys("\xEF\xBB\xBF"
                     "APIa: one\r\n")
              ->at("APIa")
              .reveal() == "one");
    CHECK(parse_keys("{}")->empty());
    for (const std::string_view bad :
         {"APIa:one", "", " ", "# APIa: one", "~", "text", "[a]", "[a: b]", "a: ", "a: ''", "'': b",
          "a: ~", "a: [b]", "a: {b: c}", "a: b: c", "a: b\nc", "a: b\n---\nc: d", "a: \xFF",
          "\ta: b"}) {
        CAPTURE(bad);
        const auto refused = parse_keys(bad);
        REQUIRE(!refused);
        CHECK(refused.error() ==
              "Could not parse keys, it needs to be exactly, \"key: secret\", including the space");
    }
}

TEST_CASE("parse_yaml: keys of the file need a name and a secret each [CFG-02]") {
    for (const std::string_view bad : {"keys: {a: ''}", "keys: {'': b}", "keys: {a: b, c: ''}"}) {
        const std::string error = error_of(bad);
        CHECK(has(error, "line 1: an API key or its secret is empty in keys"));
    }
    CHECK(parsed("keys: {}").config.keys.empty());
    CHECK(parsed("keys: {1: 2}").config.keys.at("1").reveal() == "2");
}

}  // namespace confab::config
