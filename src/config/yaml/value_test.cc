// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/yaml/value.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "config/load_testing.h"
#include "config/yaml/yaml_tree.h"

namespace confab::config {

TEST_CASE("parse_port_range: a port or start-end [CFG-04]") {
    const std::pair<std::string_view, PortRange> good[] = {{"7882", {7882, 7882}},
                                                           {"50000-60000", {50000, 60000}},
                                                           {" 1 - 2 ", {1, 2}},
                                                           {"0", {}},
                                                           {"", {}},
                                                           {"65535", {65535, 65535}},
                                                           {"1-65535", {1, 65535}},
                                                           {"7-7", {7, 7}},
                                                           {" 7882 ", {7882, 7882}}};
    for (const auto& [text, range] : good) {
        CAPTURE(text);
        CHECK(parse_port_range(text) == range);
    }
    for (const std::string_view bad : {"2-1", "0-5", "65536", "1-", "-1", "a", "1-2-3", "1-65536",
                                       "-", "0-0", "1--2", "1,2", "1..2", "7882x", "5-a", " "})
        CHECK_MESSAGE(!parse_port_range(bad), bad);
}

TEST_CASE("read_scalar: nothing is written on an error") {
    Scratch s;
    s.boolean = true;
    s.uint16 = 7;
    s.uint32 = 7;
    s.int32 = -7;
    s.number = 0.5;
    s.duration = Duration::seconds(7);
    s.ports = {7, 8};
    const Slot slots[] = {&s.boolean, &s.uint16,   &s.uint32, &s.int32,
                          &s.number,  &s.duration, &s.ports};
    for (const Slot& slot : slots) {
        const std::string before = format_value(slot, Secrets::kShown);
        for (const std::string_view bad : {"x", "99999999999999999999s", "1__1", "-", "\xFF"})
            CHECK_MESSAGE(!read_scalar(slot, bad), before);
        CHECK(format_value(slot, Secrets::kShown) == before);
    }
}

TEST_CASE("read_scalar: says what is needed [CFG-06][CFG-07]") {
    Scratch s;
    const std::pair<Slot, std::string_view> rows[] = {
        {&s.boolean, "true or false"},
        {&s.uint16, "a whole number from 0 to 65535"},
        {&s.uint32, "a whole number from 0 to 4294967295"},
        {&s.int32, "a whole number from -2147483648 to 2147483647"},
        {&s.number, "a number"},
        {&s.duration, "a duration with its unit, for example 500ms, 2s or 0s"},
        {&s.ports, "a port or a range start-end, for example 7882 or 50000-60000"},
        {&s.texts, "a list or a map"},
        {&s.keys, "a list or a map"},
        {std::monostate{}, "a list or a map"}};
    for (const auto& [slot, needed] : rows) {
        const auto read = read_scalar(slot, "x");
        REQUIRE(!read);
        CHECK(read.error() == needed);
    }
}

TEST_CASE("read_scalar: underscores between digits only") {
    std::uint32_t number = 0;
    CHECK(read_scalar(&number, "1_0_0"));
    CHECK(number == 100);
    double real = 0;
    CHECK(read_scalar(&real, "1_000.2_5"));
    CHECK(real == 1000.25);
    for (const std::string_view bad : {"_1", "1_", "1__0", "_", "1_.5", "1._5", ""})
        CHECK_MESSAGE(!read_scalar(&real, bad), bad);
}

TEST_CASE("read_scalar: numbers are those of Go's YAML library, or none [CFG-06] [CFG-07]") {
    struct Row {
        std::string_view text;
        double value;
    };
    constexpr Row kWhole[] = {
        {"0", 0},      {"+5", 5},     {"0x1F", 31},  {"0XfF", 255},   {"0o17", 15},    {"0O17", 15},
        {"0b101", 5},  {"0B1", 1},    {"010", 8},    {"00", 0},       {"0777", 511},   {"08", 8},
        {"09", 9},     {"1e3", 1000}, {"1E3", 1000}, {"2.5e3", 2500}, {"7.0", 7},      {"7.", 7},
        {"0x1_0", 16}, {"1_0", 10},   {"0_7", 7},    {"010.0", 10},   {"65535", 65535}};
    for (const Row& row : kWhole) {
        CAPTURE(row.text);
        std::uint16_t whole = 1;
        std::int32_t negative = 1;
        double real = 1;
        REQUIRE(read_scalar(&whole, row.text));
        CHECK(whole == row.value);
        REQUIRE(read_scalar(&real, row.text));
        CHECK(real == row.value);
        if (row.text.starts_with('+')) continue;
        REQUIRE(read_scalar(&negative, "-" + std::string(row.text)));
        CHECK(negative == -row.value);
    }
    double real = 0;
    CHECK(read_scalar(&real, "+1.5e-1"));
    CHECK(real == 0.15);
    std::uint16_t small = 7;
    for (const std::string_view bad :
         {"1.5",  "0x",   "0b2", "0o8", "0x1G", "--5",   "+-5",     "-+5",
          "0x-5", "0b-1", "0-7", "1e",  "e3",   "65536", "0x10000", "1e5",
          "-1",   "1e-1", "nan", "inf", ".inf", "1 000", "1,000",   "0x1p4"})
        CHECK_MESSAGE(!read_scalar(&small, bad), bad);
    CHECK(small == 7);
    std::uint32_t large = 0;
    CHECK(read_scalar(&large, "0xFFFFFFFF"));
    CHECK(large == 0xFFFF'FFFF);
    CHECK_FALSE(read_scalar(&large, "0x100000000"));
    std::int32_t least = 0;
    CHECK(read_scalar(&least, "-0x80000000"));
    CHECK(least == std::numeric_limits<std::int32_t>::min());
    CHECK_FALSE(read_scalar(&least, "-0x80000001"));
    CHECK_FALSE(read_scalar(&least, "0x80000000"));
    for (const std::string_view bad : {"0x1p4", "0b2", "--5", "+-5", "++5", "0x", "+"})
        CHECK_MESSAGE(!read_scalar(&real, bad), bad);
}

TEST_CASE("check_bounds: names the bounds, or each choice [CFG-06]") {
    Scratch s;
    const Option bounded = Option{.path = "x", .help = "x"}.range(-5, 2.5);
    for (const double good : {-5.0, 0.0, 2.5}) {
        s.number = good;
        CHECK(check_bounds(bounded, &s.number));
    }
    for (const double bad : {-5.1, 2.6}) {
        s.number = bad;
        CHECK(check_bounds(bounded, &s.number).error() == "a number from -5 to 2.5");
    }
    // Bounds say nothing about what is no number, choices nothing about what is no text.
    s.text = "99";
    CHECK(check_bounds(bounded, &s.text));
    s.boolean = true;
    CHECK(check_bounds(Option{.path = "x", .help = "x"}.range(5, 6), &s.boolean));
    const Option chosen = Option{.path = "x", .help = "x"}.one_of("any|cpuload|x");
    CHECK(check_bounds(chosen, &s.number));
    for (const std::string_view good : {"any", "cpuload", "x"}) {
        s.text = good;
        CHECK(check_bounds(chosen, &s.text));
    }
    for (const std::string_view bad : {"", "an", "any|cpuload", "Any", "99"}) {
        s.text = bad;
        CHECK(check_bounds(chosen, &s.text).error() == "one of any, cpuload, x");
    }
}

TEST_CASE("quote: every text is read back as itself, by YAML and as JSON") {
    std::string all;
    for (int c = 1; c < 128; ++c)
        all += static_cast<char>(c);
    all += "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80";
    const auto read_back = load_yaml(quote(all));
    REQUIRE(read_back);
    CHECK(read_back->text == all);
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"", R"("")"},         {"a", R"("a")"},       {"a\"b\\", R"("a\"b\\")"},
        {"\n\t", R"("\n\t")"}, {"\r", R"("\u000d")"}, {"\x01\x1F\x7F", R"("\u0001\u001f\u007f")"},
        {" ~", R"(" ~")"}};
    for (const auto& [text, quoted] : rows)
        CHECK(quote(text) == quoted);
}

TEST_CASE("format_value: each kind as YAML that gives the same value again") {
    struct Row {
        std::string_view path;
        std::string_view text;
    };
    constexpr Row kRows[] = {
        {"development", "true"},
        {"port", "65535"},
        {"room.empty_timeout", "4294967295"},
        {"limit.num_tracks", "-2147483648"},
        {"limit.bytes_per_sec", "0.125"},
        {"rtc.pli_throttle.low_quality", "1m30s"},
        {"region", R"("a: b # c\n")"},
        {"prometheus.password", R"("p'\"")"},
        {"rtc.udp_port", "7882"},
        {"rtc.udp_port", "7882-7890"},
        {"rtc.udp_port", "0"},
        {"bind_addresses", R"(["::1", "127.0.0.1"])"},
        {"bind_addresses", "[]"},
        {"logging.component_levels", R"({"sfu": "debug", "x y": ""})"},
        {"keys", R"({"a": "b", "c": "d"})"},
        {"rtc.turn_servers",
         R"([{host: "h", port: 1, protocol: "udp", secret: "s", ttl: 5}, {host: "i"}])"},
        {"room.enabled_codecs", R"([{mime: "a/b", fmtp_line: "x=1"}, {}])"},
        {"room.room_configurations", R"({"a": {"tags": {"x": "1"}, "n": [1, "1"]}, "b": {}})"}};
    for (const Row& row : kRows) {
        CAPTURE(row.path);
        Config config = parsed(yaml_of(row.path, row.text)).config;
        const Slot slot = find_option(row.path)->slot(config);
        CHECK(format_value(slot, Secrets::kShown) == row.text);
    }
    Scratch s;
    s.durations = {Duration::seconds(10), Duration::seconds(60)};
    CHECK(format_value(&s.durations, Secrets::kShown) == "[10s, 1m]");
    s.tree_list.items = {R"({"name": "eu"})", "1"};
    CHECK(format_value(&s.tree_list, Secrets::kShown) == R"([{"name": "eu"}, 1])");
    CHECK(format_value(std::monostate{}, Secrets::kShown) == "~");
}

TEST_CASE("format_value: a secret is hidden if there is one [IMM-16]") {
    Scratch s;
    CHECK(format_value(&s.secret, Secrets::kRedacted) == R"("")");
    s.secret = SecretText("hunter2");
    CHECK(format_value(&s.secret, Secrets::kRedacted) == R"("<redacted>")");
    CHECK(format_value(&s.secret, Secrets::kShown) == R"("hunter2")");
    s.keys.emplace("a", SecretText("hunter2"));
    s.keys.emplace("b", SecretText());
    CHECK(format_value(&s.keys, Secrets::kRedacted) == R"({"a": "<redacted>", "b": ""})");
    s.turn_servers.emplace_back().credential = SecretText("hunter2");
    s.turn_servers.back().secret = SecretText("hunter3");
    CHECK(format_value(&s.turn_servers, Secrets::kRedacted) ==
          R"([{credential: "<redacted>", secret: "<redacted>"}])");
}

TEST_CASE("format_value: secrets inside presets are hidden as well [IMM-16]") {
    // Auto egress of a preset carries the credentials of the storage (01 ROOM-04, TOK-08).
    for (const std::string_view name :
         {"secret", "session_token", "sessionToken", "access_key", "accessKey", "account_key",
          "accountKey", "credentials", "password", "SECRET"}) {
        CAPTURE(name);
        Scratch s;
        s.trees.items["a"] = R"({"egress": {"room": {"file": [{")" + std::string(name) +
                             R"(": "hunter2", "bucket": "b"}]}}, "max_participants": 2})";
        const std::string shown = format_value(&s.trees, Secrets::kRedacted);
        CHECK(shown == R"({"a": {"egress": {"room": {"file": [{")" + std::string(name) +
                           R"(": "<redacted>", "bucket": "b"}]}}, "max_participants": 2}})");
        CHECK(has(format_value(&s.trees, Secrets::kShown), "hunter2"));
    }
    Scratch s;
    // Whatever stands there; an empty one is shown as empty.
    s.trees.items["a"] = R"({"secret": {"x": "hunter2"}, "password": ["hunter2"], "token": ""})";
    CHECK(format_value(&s.trees, Secrets::kRedacted) ==
          R"({"a": {"secret": "<redacted>", "password": "<redacted>", "token": ""}})");
    s.tree_list.items = {R"({"name": "eu", "secret": 12345})"};
    CHECK(format_value(&s.tree_list, Secrets::kRedacted) ==
          R"([{"name": "eu", "secret": "<redacted>"}])");
}

TEST_CASE("says_nothing: zero, false and what is empty, of each kind [CFG-05]") {
    Scratch s;
    const Slot empty[] = {&s.boolean, &s.uint16, &s.uint32, &s.int32, &s.number,   &s.duration,
                          &s.text,    &s.secret, &s.ports,  &s.texts, &s.durations};
    for (const Slot& slot : empty)
        CHECK(says_nothing(slot));
    const std::pair<Slot, std::string_view> rows[] = {
        {&s.boolean, "true"}, {&s.uint16, "1"},   {&s.uint32, "1"},
        {&s.int32, "-1"},     {&s.number, "0.1"}, {&s.duration, "1us"},
        {&s.text, " "},       {&s.secret, "x"},   {&s.ports, "1"}};
    for (const auto& [slot, text] : rows) {
        REQUIRE(read_scalar(slot, text));
        CHECK(!says_nothing(slot));
    }
}

}  // namespace confab::config
