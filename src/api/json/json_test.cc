// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The JSON reader and writer: RFC 8259 forms, bounds, round trips.
#include "api/json/json.h"

#include <doctest/doctest.h>

#include "api/json/proto_json.h"
#include "base/rng.h"
#include "livekit_room.pb.h"

namespace confab::api {

TEST_CASE("parse_json: values and escapes [TOK-04]") {
    const std::string text =
        R"( {"a":[1,-2.5e3,0,true,false,null],"b":"x\"\\\/\b\f\n\r\t\u00fc\ud83d\ude00","a2":{}} )";
    const auto json = parse_json(text);
    REQUIRE(json);
    const JsonValue* list = json->find("a");
    REQUIRE(list != nullptr);
    REQUIRE(list->items.size() == 6);
    CHECK(list->items[1].number == doctest::Approx(-2500));
    CHECK(list->items[3].boolean);
    CHECK(list->items[5].is_null());
    CHECK(list->raw == "[1,-2.5e3,0,true,false,null]");
    CHECK(json->find("b")->string == "x\"\\/\b\f\n\r\t\xc3\xbc\xf0\x9f\x98\x80");
    CHECK(json->find("a2")->kind == JsonKind::kObject);
    CHECK(json->find("c") == nullptr);
    CHECK(parse_json(R"({"k":1,"k":2})")->find("k")->number == doctest::Approx(2));
    CHECK(is_json_object(text));
    CHECK_FALSE(is_json_object("[]"));
}

TEST_CASE("parse_json: refuses what RFC 8259 does not have [TOK-04] [IMM-13]") {
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
        CHECK_FALSE(parse_json(text));
    }
    CHECK_FALSE(parse_json(std::string_view("1\0", 2)));
}

TEST_CASE("parse_json: depth and number of values are bounded [IMM-13]") {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    CHECK(parse_json(nested(kMaxJsonDepth)));
    CHECK(parse_json(nested(kMaxJsonDepth + 2)).error() == JsonError::kTooDeep);
    CHECK(parse_json(nested(1'000'000)).error() == JsonError::kTooDeep);
    std::string many = "[0";
    for (std::size_t i = 0; i < kMaxJsonValues; ++i)
        many += ",0";
    CHECK(parse_json(many + "]").error() == JsonError::kTooManyValues);
}

TEST_CASE("parse_json: every truncation of a text is an error [IMM-13]") {
    const std::string text = R"({"a":[1,"\u00e9\n",{"b":null}],"c":false})";
    REQUIRE(parse_json(text));
    for (std::size_t size = 0; size < text.size(); ++size)
        CHECK_FALSE(parse_json(std::string_view(text).substr(0, size)));
}

TEST_CASE("JsonWriter: any text survives the round trip [TOK-03]") {
    Rng rng(9);
    for (int i = 0; i < 300; ++i) {
        std::string key;
        std::string value;
        for (std::uint64_t n = rng.below(20); n > 0; --n) {
            key.push_back(static_cast<char>(rng.below(128)));
            value.push_back(static_cast<char>(rng.below(128)));
        }
        if (i % 2 == 0) key += "k\xc3\xbc";
        JsonWriter out;
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
        const auto json = parse_json(text);
        REQUIRE(json);
        REQUIRE(json->find(key) != nullptr);
        if (key != "o" && key != "s") CHECK(json->find(key)->string == value);
        CHECK(json->find("o")->find("n")->number == doctest::Approx(-7));
        CHECK(json->find("s")->items.size() == 3);
        CHECK(json->find("s")->items[0].string == value);
    }
}

TEST_CASE("JsonWriter: a string that ends in a brace does not swallow the comma") {
    JsonWriter out;
    out.begin_object();
    out.raw("a", "{}");
    out.string("b", "{");
    out.boolean("c", false);
    out.end_object();
    CHECK(out.take() == R"({"a":{},"b":"{","c":false})");
}

TEST_CASE("protobuf JSON: the two dialects [API-W2] [HOOK-03]") {
    livekit::Room room;
    room.set_name("n");
    room.set_creation_time(5);
    const std::string api = to_api_json(room);
    CHECK(api.find(R"("creation_time":"5")") != std::string::npos);
    CHECK(api.find(R"("empty_timeout":0)") != std::string::npos);
    CHECK(api.find(R"("enabled_codecs":[])") != std::string::npos);
    CHECK(to_camel_json(room) == R"({"name":"n","creationTime":"5"})");
    livekit::Room read;
    CHECK(parse_proto_json(R"({"creationTime":"7","max_participants":3,"x":[{}]})", read));
    CHECK(read.creation_time() == 7);
    CHECK(read.max_participants() == 3);
    CHECK_FALSE(parse_proto_json(R"({"max_participants":-3})", read));
    CHECK_FALSE(parse_proto_json(R"({"max_participants":1.5})", read));
    CHECK_FALSE(parse_proto_json("null", read));
}

}  // namespace confab::api
