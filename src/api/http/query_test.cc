// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/http/query.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "base/rng.h"
#include "base/text.h"

namespace confab::api {

TEST_CASE("decode_form_text: escapes and plus signs, or nothing [CON-35]") {
    const std::pair<std::string_view, std::string_view> good[] = {{"", ""},
                                                                  {"a", "a"},
                                                                  {"a+b", "a b"},
                                                                  {"%2B", "+"},
                                                                  {"%2b", "+"},
                                                                  {"%41%42", "AB"},
                                                                  {"%25", "%"},
                                                                  {"%2525", "%25"},
                                                                  {"a%20b", "a b"},
                                                                  {"%00x", "\0x"},
                                                                  {"\xC3\xA4", "\xC3\xA4"}};
    for (const auto& [text, decoded] : good) {
        CAPTURE(text);
        const auto result = decode_form_text(text);
        REQUIRE(result);
        if (text != "%00x") CHECK(*result == decoded);
    }
    CHECK(decode_form_text("%00x")->size() == 2);
    for (const std::string_view bad : {"%", "%4", "a%", "%zz", "%4g", "%g4", "%%41", "%+1", "% 1"})
        CHECK_MESSAGE(!decode_form_text(bad), bad);
}

TEST_CASE("QueryParams: the first of a name counts, also if it is empty [CON-35]") {
    const QueryParams query = QueryParams::parse("a=&a=1&b&b=2&c=3&c=");
    CHECK(query.has("a"));
    CHECK(query.get("a").empty());
    CHECK(query.get("b").empty());
    CHECK(query.get("c") == "3");
    CHECK_FALSE(query.has("d"));
    CHECK(query.get("d").empty());
    CHECK_FALSE(query.has("A"));
}

TEST_CASE("QueryParams: a broken pair is left out, those beside it are not [CON-35]") {
    for (const std::string_view bad :
         {"%zz=1", "x=%4", "x=1;y=2", "x;y=2", "x=%FF", "%C3=1", "%ED%A0%80=1", "x=%C0%AF"}) {
        CAPTURE(bad);
        const QueryParams query = QueryParams::parse("a=1&" + std::string(bad) + "&b=2");
        CHECK(query.size() == 2);
        CHECK(query.get("a") == "1");
        CHECK(query.get("b") == "2");
    }
    for (const std::string_view nothing : {"", "&", "&&&"})
        CHECK(QueryParams::parse(nothing).size() == 0);
    CHECK(QueryParams::parse("=v").get("") == "v");
    CHECK(QueryParams::parse("a==b=").get("a") == "=b=");
}

TEST_CASE("QueryParams: 1 and true are true, nothing else [CON-35]") {
    for (const std::string value : {"1", "true", "%31"})
        CHECK_MESSAGE(QueryParams::parse("f=" + value).flag("f"), value);
    for (const std::string value : {"", "0", "false", "TRUE", "True", "yes", "on", "t", "11", "1+"})
        CHECK_MESSAGE(!QueryParams::parse("f=" + value).flag("f"), value);
    CHECK_FALSE(QueryParams::parse("").flag("f"));
}

TEST_CASE("QueryParams: takes kMaxQueryParams and reads no further [IMM-13]") {
    for (const std::size_t count : {kMaxQueryParams - 1, kMaxQueryParams, kMaxQueryParams + 1}) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i)
            text += "k" + std::to_string(i) + "=v&";
        const QueryParams query = QueryParams::parse(text);
        CHECK(query.size() == std::min(count, kMaxQueryParams));
        CHECK(query.has("k" + std::to_string(kMaxQueryParams - 1)) == (count >= kMaxQueryParams));
        CHECK_FALSE(query.has("k" + std::to_string(kMaxQueryParams)));
    }
}

TEST_CASE("QueryParams: whatever comes, what it holds is text [IMM-13]") {
    Rng rng(9);
    constexpr std::string_view kLetters = "ab=&%;+4F\xC3\xA4\xFF";
    for (int i = 0; i < 3000; ++i) {
        std::string text;
        for (auto size = rng.below(24); size > 0; --size)
            text += kLetters[rng.below(kLetters.size())];
        const QueryParams query = QueryParams::parse(text);
        CHECK(query.size() <= text.size());
        CHECK(is_valid_utf8(query.get("a")));
        CHECK(is_valid_utf8(query.get("b")));
    }
}

}  // namespace confab::api
