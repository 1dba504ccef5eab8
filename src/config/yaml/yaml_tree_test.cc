// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/yaml/yaml_tree.h"

#include <doctest/doctest.h>

#include <string>

#include "config/load_testing.h"

namespace confab::config {

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

TEST_CASE("load_yaml: names the line of each value, key and mistake [CFG-01]") {
    const auto tree =
        load_yaml("# first\na:\n  b: 1\n  c:\n    - x\n    - {d: y}\n\ne: |\n  1\n  2\nf: z");
    REQUIRE(tree);
    CHECK(tree->names == std::vector<std::string>{"a", "e", "f"});
    CHECK(tree->name_lines == std::vector<int>{2, 8, 11});
    const YamlNode& a = tree->children[0];
    CHECK(a.name_lines == std::vector<int>{3, 4});
    CHECK(a.children[0].line == 3);
    CHECK(a.children[1].children[0].line == 5);
    CHECK(a.children[1].children[1].children[0].line == 6);
    CHECK(tree->children[1].text == "1\n2\n");
    CHECK(tree->children[2].line == 11);

    struct Row {
        std::string_view text;
        int line;
    };
    constexpr Row kRows[] = {{"a: b: c", 1},
                             {"a:\n\tb: 1", 2},         // a tab
                             {"a:\n  b: 1\n c: 2", 3},  // back to no level that there is
                             {"a: 1\nb: [1, 2", 2},     // no end
                             {"a: \"b", 1},
                             {"a: 1\n- b", 2},  // a list among keys
                             {"a: 1\n---\nb: 2", 3},
                             {"x: *unknown", 1},
                             {"x: 1\ny:\n  ? [a]\n  : b", 3},
                             {"a: @b", 1},
                             {"a: 1\n  b: 2", 2}};
    for (const Row& row : kRows) {
        CAPTURE(row.text);
        const auto refused = load_yaml(row.text);
        REQUIRE(!refused);
        CHECK(refused.error().line == row.line);
        CHECK(!refused.error().message.empty());
        CHECK(refused.error().message.find('\n') == std::string::npos);
    }
}

TEST_CASE("load_yaml: what is no text at all has no line") {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {std::string_view("a: \0", 4), "is no UTF-8 text"},
        {"a: \xFF", "is no UTF-8 text"},
        {"a: \xC3", "is no UTF-8 text"},
        {"\xFF\xFE"
         "a",
         "is no UTF-8 text"}};  // as some editors save it
    for (const auto& [text, message] : rows) {
        const auto refused = load_yaml(text);
        REQUIRE(!refused);
        CHECK(refused.error().line == 0);
        CHECK(has(refused.error().message, message));
        CHECK(has(refused.error().message, "; save it as UTF-8"));
    }
}

TEST_CASE("load_yaml: anchors stand for the value they were at, the later one if given twice") {
    const auto tree = load_yaml("a: &x [1, &y 2]\nb: *x\nc: *y\nd: &x 3\ne: *x\nf: *y");
    REQUIRE(tree);
    CHECK(to_json(*tree) == R"({"a": [1, 2], "b": [1, 2], "c": 2, "d": 3, "e": 3, "f": 2})");
    // An alias may be a key, as it is plain text.
    CHECK(to_json(*load_yaml("{a: &k name, *k : 1}")) == R"({"a": "name", "name": 1})");
    CHECK(!load_yaml("{a: &k [name], *k : 1}"));
    CHECK(to_json(*load_yaml("a: &n\nb: *n")) == R"({"a": null, "b": null})");
}

TEST_CASE("load_yaml: forms of one value") {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"a: b", R"({"a": "b"})"},
        {"{a: b}", R"({"a": "b"})"},
        {"{\"a\":\"b\"}", R"({"a": "b"})"},
        {"? a\n: b", R"({"a": "b"})"},
        {"a: >\n  b\n  c\n", "{\"a\": \"b c\\n\"}"},
        {"a: |-\n  b\n  c\n", "{\"a\": \"b\\nc\"}"},
        {"a: b\n  c", R"({"a": "b c"})"},
        {"a: 'it''s'", R"({"a": "it's"})"},
        {"a: \"\\x41\\t\"", "{\"a\": \"A\\t\"}"},
        {"a: b # c", R"({"a": "b"})"},
        {"a: b#c", R"({"a": "b#c"})"},
        {"a: !!str 1", R"({"a": "1"})"},
        {"- a\n- b", R"(["a", "b"])"},
        {"a:\n- b", R"({"a": ["b"]})"},
        {"~", "null"},
        {"# nothing", "null"},
        {"[]", "[]"},
        {"{}", "{}"}};
    for (const auto& [text, json] : rows) {
        CAPTURE(text);
        const auto tree = load_yaml(text);
        REQUIRE(tree);
        CHECK(to_json(*tree) == json);
    }
}

TEST_CASE("to_json: only what JSON calls a number stays bare") {
    for (const std::string_view number : {"0", "-0", "7", "-7", "10", "0.5", "-0.5", "1.25", "-10"})
        CHECK_MESSAGE(to_json(*load_yaml(number)) == number, number);
    for (const std::string_view text :
         {"01", "-01",   "1.",  ".5", "-.5", "-",   "1e3",  "0x10", "1-2", "1.2.3",
          "+1", "1_000", "-00", "a",  "NaN", "inf", "True", "yes",  "-x",  "1 2"}) {
        CAPTURE(text);
        CHECK(to_json(*load_yaml("[" + std::string(text) + "]")) ==
              "[\"" + std::string(text) + "\"]");
    }
    CHECK(to_json(*load_yaml("''")) == "\"\"");
    CHECK(to_json(*load_yaml("'7'")) == "\"7\"");
    CHECK(to_json(*load_yaml("'true'")) == "\"true\"");
    CHECK(to_json(*load_yaml("false")) == "false");
    // What it makes is read back as the same.
    const std::string json = to_json(*load_yaml("{a: [1, '1', ~, {b: \"\\x01\\\\\"}], '': -0.5}"));
    CHECK(to_json(*load_yaml(json)) == json);
}

}  // namespace confab::config
