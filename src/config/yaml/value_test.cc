// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/yaml/value.h"

#include <doctest/doctest.h>

#include <array>

#include "base/rng.h"
#include "config/cidr.h"
#include "config/yaml/suggest.h"
#include "config/yaml/yaml_tree.h"

namespace confab::config {

TEST_CASE("parse_duration: reads Go durations and refuses numbers without unit [CFG-06]") {
    const std::pair<std::string_view, std::int64_t> good[] = {
        {"0s", 0},           {"500ms", 500'000},       {"2s", 2'000'000},     {"1m30s", 90'000'000},
        {"1.5s", 1'500'000}, {"7.5s", 7'500'000},      {"-2s", -2'000'000},   {".5s", 500'000},
        {"1us", 1},          {"\xC2\xB5s", -1},        {"1h", 3'600'000'000}, {"+1s", 1'000'000},
        {"1500ns", 1},       {"2m0.25s", 120'250'000}, {"10\xC2\xB5s", 10}};
    for (const auto& [text, us] : good) {
        CAPTURE(text);
        const auto value = parse_duration(text);
        if (us == -1) {
            CHECK(!value);
            continue;
        }
        REQUIRE(value);
        CHECK(value->us() == us);
    }
    for (const std::string_view bad :
         {"", "0", "5", "s", "1", "1x", "1s2", "1.2.3s", "--1s", "1 s", ".s", "99999999999h",
          "9223372036854775808ns", "2562047h9000000000000s", "2562047.9h", "2562047h2840s"}) {
        CAPTURE(bad);
        CHECK(!parse_duration(bad));
    }
}

TEST_CASE("format_duration: is read back as the same value [CFG-06]") {
    CHECK(format_duration(Duration::millis(500)) == "500ms");
    CHECK(format_duration(Duration::seconds(90)) == "1m30s");
    CHECK(format_duration(Duration::zero()) == "0s");
    Rng rng(7);
    for (int i = 0; i < 500; ++i) {
        const Duration d = Duration::micros(static_cast<std::int64_t>(rng.below(1ULL << 50)));
        CHECK(parse_duration(format_duration(d)) == d);
        CHECK(parse_duration(format_duration(-d)) == -d);
    }
}

TEST_CASE("parse_port_range: a port or start-end [CFG-04]") {
    CHECK(parse_port_range("7882") == PortRange{7882, 7882});
    CHECK(parse_port_range("50000-60000") == PortRange{50000, 60000});
    CHECK(parse_port_range(" 1 - 2 ") == PortRange{1, 2});
    CHECK(parse_port_range("0") == PortRange{});
    CHECK(parse_port_range("") == PortRange{});
    for (const std::string_view bad : {"2-1", "0-5", "65536", "1-", "-1", "a", "1-2-3", "1-65536"})
        CHECK_MESSAGE(!parse_port_range(bad), bad);
}

TEST_CASE("nearest: finds slips of the pen only [CFG-01]") {
    const std::array<std::string_view, 4> names = {"tcp_port", "udp_port", "node_ip", "keys"};
    CHECK(nearest("tcp_prot", names) == "tcp_port");
    CHECK(nearest("udpport", names) == "udp_port");
    CHECK(nearest("key", names) == "keys");
    CHECK(!nearest("something_else", names));
    CHECK(!nearest("", names));
    CHECK(!nearest(std::string(10'000, 'x'), names));
}

TEST_CASE("Cidr: contains what shares the prefix") {
    const auto block = Cidr::parse("10.1.2.3/20");
    REQUIRE(block);
    CHECK(block->contains(*IpAddress::parse("10.1.15.255")));
    CHECK(!block->contains(*IpAddress::parse("10.1.16.0")));
    CHECK(!block->contains(*IpAddress::parse("::1")));
    CHECK(Cidr::parse("::/0")->contains(*IpAddress::parse("2001:db8::1")));
    CHECK(Cidr::parse("fe80::/10")->contains(*IpAddress::parse("febf::1")));
    CHECK(!Cidr::parse("fe80::/10")->contains(*IpAddress::parse("fec0::1")));
    for (const std::string_view bad : {"10.0.0.0", "10.0.0.0/33", "x/8", "::/129", "10.0.0.0/"})
        CHECK_MESSAGE(!Cidr::parse(bad), bad);
}

TEST_CASE("load_yaml: bounds what a text can become [IMM-13]") {
    std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
    for (char c = 'b'; c < 'j'; ++c) {
        const std::string alias(1, static_cast<char>(c - 1));
        bomb += std::string(1, c) + ": &" + std::string(1, c) + " [";
        for (int i = 0; i < 9; ++i)
            bomb += (i > 0 ? ", *" : "*") + alias;
        bomb += "]\n";
    }
    const auto laughs = load_yaml(bomb);
    REQUIRE(!laughs);
    CHECK(laughs.error().message == "too many values");

    CHECK(!load_yaml(std::string(100'000, '[')));
    CHECK(load_yaml("a: " + std::string(40, '[') + std::string(40, ']')).error().message ==
          "nested too deeply");
    CHECK(!load_yaml("a: &a [*a]"));
    CHECK(!load_yaml(std::string(kMaxYamlSize + 1, ' ')));
    CHECK(!load_yaml(std::string_view("a: \0", 4)));
    CHECK(!load_yaml("a: \xFF"));
    CHECK(!load_yaml("? [a, b]\n: c"));
    CHECK(!load_yaml("a: b\n---\nc: d"));
    CHECK(load_yaml("")->kind == YamlNode::Kind::kNull);
}

TEST_CASE("to_json: keeps types of plain scalars") {
    const auto tree =
        load_yaml("{a: 1, b: '1', c: true, d: ~, e: [x, 0.5, 01], f: {g: \"q\\\"\"}}");
    REQUIRE(tree);
    CHECK(to_json(*tree) ==
          R"({"a": 1, "b": "1", "c": true, "d": null, "e": ["x", 0.5, "01"], "f": {"g": "q\""}})");
}

TEST_CASE("SecretText: survives copies and moves") {
    SecretText a("hidden");
    SecretText b = a;
    SecretText c = std::move(a);
    b = b.empty() ? SecretText("x") : std::move(b);
    CHECK(c.reveal() == "hidden");
    c = SecretText();
    CHECK(c.empty());
    CHECK(b.reveal() == "hidden");
}

}  // namespace confab::config
