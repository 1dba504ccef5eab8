// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The JSON reader and writer: RFC 8259 forms, bounds, round trips.
#include "json/json.h"

#include <doctest/doctest.h>

#include "base/rng.h"

namespace confab::json {

TEST_CASE("parse: values and escapes [TOK-04]") {
    const std::string text =
        R"( {"a":[1,-2.5e3,0,true,false,null],"b":"x\"\\\/\b\f\n\r\t\u00fc\ud83d\ude00","a2":{}} )";
    const auto json = parse(text);
    REQUIRE(json);
    const Value* list = json->find("a");
    REQUIRE(list != nullptr);
    REQUIRE(list->items.size() == 6);
    CHECK(list->items[1].number == doctest::Approx(-2500));
    CHECK(list->items[3].boolean);
    CHECK(list->items[5].is_null());
    CHECK(list->raw == "[1,-2.5e3,0,true,false,null]");
    CHECK(json->find("b")->string == "x\"\\/\b\f\n\r\t\xc3\xbc\xf0\x9f\x98\x80");
    CHECK(json->find("a2")->kind == Kind::kObject);
    CHECK(json->find("c") == nullptr);
    CHECK(parse(R"({"k":1,"k":2})")->find("k")->number == doctest::Approx(2));
    CHECK(is_object(text));
    CHECK_FALSE(is_object("[]"));
}

TEST_CASE("parse: refuses what RFC 8259 does not have [TOK-04] [IMM-13]") {
    for (const char* text :
         {"",          " ",           "{",           "}",           "[",
          "[1,]",      "{\"a\":1,}",  "{a:1}",       "{'a':1}",     "{\"a\" 1}",
          "01",        "+1",          "1.",          ".5",          "1e",
          "1e+",       "-",           "0x10",        "NaN",         "Infinity",
          "tru",       "nul",         "\"",          "\"\\\"",      "\"\\x\"",
          "\"\\u12\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
          "\"a\nb\"",  "\"\xff\"",    "1 2",         "[1 2]",       "/**/1",
          "1//",       "1e999",       "[\"a\",,1]"}) {
        INFO(text);
        CHECK_FALSE(parse(text));
    }
    CHECK_FALSE(parse(std::string_view("1\0", 2)));
}

TEST_CASE("parse: half of a surrogate pair becomes U+FFFD where that is wanted [TOK-03]") {
    const auto text = [](const std::string& escapes) {
        const auto value = parse("\"" + escapes + "\"", LoneSurrogate::kReplaced);
        return value ? value->string : "refused";
    };
    const std::string lost = "\xef\xbf\xbd";
    CHECK(text(R"(Hello \ud83d)") == "Hello " + lost);
    CHECK(text(R"(\ude00!)") == lost + "!");
    CHECK(text(R"(\ud800\u0041)") == lost + "A");
    CHECK(text(R"(\ud83d\ud83d\ude00)") == lost + "\xf0\x9f\x98\x80");
    CHECK(text(R"(\ud83d\n)") == lost + "\n");
    CHECK(text(R"(\ud83d\ude00)") == "\xf0\x9f\x98\x80");
    CHECK(text(R"(\ud83)") == "refused");
    CHECK(text(R"(\ud83d\u12)") == "refused");
    CHECK(text(R"(\ud83d\)") == "refused");
}

TEST_CASE("parse: depth and number of values are bounded [IMM-13]") {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    CHECK(parse(nested(kMaxDepth)));
    CHECK(parse(nested(kMaxDepth + 2)).error() == Error::kTooDeep);
    CHECK(parse(nested(1'000'000)).error() == Error::kTooDeep);
    std::string many = "[0";
    for (std::size_t i = 0; i < kMaxValues; ++i)
        many += ",0";
    CHECK(parse(many + "]").error() == Error::kTooManyValues);
}

TEST_CASE("parse: every truncation of a text is an error [IMM-13]") {
    const std::string text = R"({"a":[1,"\u00e9\n",{"b":null}],"c":false})";
    REQUIRE(parse(text));
    for (std::size_t size = 0; size < text.size(); ++size)
        CHECK_FALSE(parse(std::string_view(text).substr(0, size)));
}

TEST_CASE("Writer: any text survives the round trip [TOK-03]") {
    Rng rng(9);
    for (int i = 0; i < 300; ++i) {
        std::string key;
        std::string value;
        for (std::uint64_t n = rng.below(20); n > 0; --n) {
            key.push_back(static_cast<char>(rng.below(128)));
            value.push_back(static_cast<char>(rng.below(128)));
        }
        if (i % 2 == 0) key += "k\xc3\xbc";
        Writer out;
        out.begin_object();
        out.string(key, value);
        out.begin_object("o");
        out.integer("n", -7);
        out.boolean("t", true);
        out.end_object();
        out.strings("s", {value, "{", ""});
        out.end_object();
        const std::string text = out.take();
        INFO(text);
        const auto json = parse(text);
        REQUIRE(json);
        REQUIRE(json->find(key) != nullptr);
        if (key != "o" && key != "s") CHECK(json->find(key)->string == value);
        CHECK(json->find("o")->find("n")->number == doctest::Approx(-7));
        CHECK(json->find("s")->items.size() == 3);
        CHECK(json->find("s")->items[0].string == value);
    }
}

TEST_CASE("Writer: a string that ends in a brace does not swallow the comma") {
    Writer out;
    out.begin_object();
    out.raw("a", "{}");
    out.string("b", "{");
    out.boolean("c", false);
    out.end_object();
    CHECK(out.take() == R"({"a":{},"b":"{","c":false})");
}

}  // namespace confab::json
