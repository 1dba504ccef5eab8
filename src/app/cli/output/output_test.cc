// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// JSON over lines, YAML, tables.
#include <doctest/doctest.h>

#include "app/cli/output/json_text.h"
#include "app/cli/output/table_text.h"
#include "app/cli/output/yaml_text.h"

namespace confab::app::cli {

TEST_CASE("indented: braces in texts are left alone, what is empty stays on its line") {
    CHECK(indented(R"({"a":[1,{"b":"x{\"]"}],"c":{},"d": [ ],"e":"\\"})") ==
          "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x{\\\"]\"\n    }\n  ],\n  \"c\": {},\n"
          "  \"d\": [],\n  \"e\": \"\\\\\"\n}");
    CHECK(indented("{}") == "{}");
}

TEST_CASE("texts_at: paths go through lists, texts have no quotes") {
    const auto json = json::parse(R"({"a":[{"b":"x"},{"b":2},{}],"c":{"d":{"e":true}},"n":null})");
    CHECK(texts_at(*json, "a.b") == std::vector<std::string>{"x", "2"});
    CHECK(text_at(*json, "c.d") == R"({"e":true})");
    CHECK(text_at(*json, "n") == "");
    CHECK(text_at(*json, "a.z.y") == "");
}

TEST_CASE("yaml_of: blocks; texts that YAML would read as something else are quoted") {
    const auto json = json::parse(
        R"({"a":{"b":[],"c":{}},"list":[1,"two",[3,4],{"x":"y: z","v":null}],"no":"off","t":"12","u":"ü\n"})");
    CHECK(yaml_of(*json) ==
          "a:\n  b: []\n  c: {}\nlist:\n  - 1\n  - two\n  - - 3\n    - 4\n  - x: \"y: z\"\n    v: "
          "null\n"
          "\"no\": \"off\"\nt: \"12\"\nu: \"ü\\u000a\"\n");
    CHECK(yaml_scalar("") == "\"\"");
    CHECK(yaml_scalar("RM_a-b.c") == "RM_a-b.c");
    CHECK(yaml_scalar("-a") == "\"-a\"");
    CHECK(yaml_scalar("Yes") == "\"Yes\"");
}

TEST_CASE("table_text: cells of several lines, wide letters, no control characters") {
    CHECK(table_text({"A", "B"}, {{"ü\nx", "\x07"}, {"", ""}}) ==
          "┌───┬───┐\n│ A │ B │\n├───┼───┤\n│ ü │ � │\n│ x │   │\n│   │   │\n└───┴───┘\n");
    CHECK(printable("a\x7f\xc2\x9b\xc2\xa0") == "a��\xc2\xa0");
}

}  // namespace confab::app::cli
