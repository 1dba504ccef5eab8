// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include "config/load_testing.h"
#include "config/options.h"
#include "config/yaml/value.h"
#include "config/yaml/yaml_tree.h"

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
        const bool map =
            kind == Kind::kKeys || kind == Kind::kStringMap || kind == Kind::kJsonByName;
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

TEST_CASE("load_yaml: one more than each bound is refused [IMM-13]") {
    const auto nested = [](std::size_t depth) {
        return load_yaml(std::string(depth, '[') + "x" + std::string(depth, ']'));
    };
    CHECK(nested(kMaxYamlDepth - 1));
    CHECK(nested(kMaxYamlDepth).error().message == "nested too deeply");

    const auto list = [](std::size_t items) {
        std::string text = "[";
        for (std::size_t i = 0; i < items; ++i)
            text += "x,";
        return load_yaml(text + "]");
    };
    CHECK(list(kMaxYamlNodes - 1));  // and the list itself
    CHECK(list(kMaxYamlNodes).error().message == "too many values");

    const auto aliases = [](std::size_t count) {
        std::string text = "[&a x";
        for (std::size_t i = 0; i < count; ++i)
            text += ", *a";
        return load_yaml(text + "]");
    };
    REQUIRE(aliases(kMaxYamlAliases));
    CHECK(aliases(kMaxYamlAliases)->children.back().text == "x");
    CHECK(aliases(kMaxYamlAliases + 1).error().message == "too many aliases");

    const auto sized = [](std::size_t size) { return load_yaml("#" + std::string(size - 1, ' ')); };
    CHECK(sized(kMaxYamlSize));
    CHECK(has(sized(kMaxYamlSize + 1).error().message, "larger than 1 MiB"));
}

TEST_CASE("load_yaml: an alias counts with all that it stands for [IMM-13]") {
    // The depth of what it stands for adds to that of its place.
    std::string deep = "a: &a " + std::string(20, '[') + std::string(20, ']') + "\nb: ";
    CHECK(load_yaml(deep + std::string(11, '[') + "*a" + std::string(11, ']')));
    CHECK(load_yaml(deep + std::string(12, '[') + "*a" + std::string(12, ']')).error().message ==
          "nested too deeply");
    // So does its number of values: 20 times a thousand.
    std::string wide = "- &a [";
    for (int i = 0; i < 1000; ++i)
        wide += "x,";
    wide += "]\n";
    for (int i = 0; i < 20; ++i)
        wide += "- *a\n";
    const auto refused = load_yaml(wide);
    REQUIRE(!refused);
    CHECK(refused.error().message == "too many values");
    CHECK(refused.error().line > 1);
    // And anchors inside anchors: what is kept for them is bounded as well.
    std::string kept;
    for (int i = 0; i < 25; ++i)
        kept += "&a" + std::to_string(i) + " [";
    for (int i = 0; i < 1000; ++i)
        kept += "x,";
    CHECK(load_yaml(kept + std::string(25, ']')).error().message == "too many values");
    CHECK(!load_yaml("*unknown"));
    CHECK(!load_yaml("a: &a {b: *a}"));
}

}  // namespace confab::config
