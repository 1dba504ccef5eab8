// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/cli/call/key_values.h"

#include <doctest/doctest.h>

namespace confab::app::cli {
namespace {

KeyValues attributes(const std::vector<std::string>& given) {
    const auto read = read_attributes(given);
    REQUIRE(read);
    return *read;
}

}  // namespace

TEST_CASE("read_attributes: several in one text, quotes away, blanks away") {
    using Map = KeyValues;
    CHECK(attributes({"a=1,b=2", "c="}) == Map{{"a", "1"}, {"b", "2"}, {"c", ""}});
    CHECK(attributes({"a=\"x y\", b='z'"}) == Map{{"a", "x y"}, {"b", "z"}});
    CHECK(attributes({" a = 1 , b_2 = 2 "}) == Map{{"a", "1"}, {"b_2", "2"}});
    CHECK(attributes({"a: b"}) == Map{{"a", "b"}});
    CHECK(attributes({"a:b"}) == Map{{"a", "b"}});
    CHECK(attributes({"ns:a=b"}) == Map{{"ns:a", "b"}});
    CHECK(attributes({"a=b=c"}) == Map{{"a", "b=c"}});
    CHECK(attributes({R"(a="x\"y\n\\")"}) == Map{{"a", "x\"y\n\\"}});
    CHECK(attributes({R"(a='x\n')"}) == Map{{"a", R"(x\n)"}});
    CHECK(attributes({R"(a=")"}) == Map{{"a", "\""}});
    CHECK(attributes({"a=1", "a=2"}) == Map{{"a", "2"}});
    CHECK(attributes({}).empty());
}

TEST_CASE("read_attributes: a comma that is of the value stays in it") {
    using Map = KeyValues;
    CHECK(attributes({"a=1,2,3"}) == Map{{"a", "1,2,3"}});
    CHECK(attributes({"a=it's,b=so"}) == Map{{"a", "it's"}, {"b", "so"}});
    CHECK(attributes({R"(a="x,b=2",c=3)"}) == Map{{"a", "x,b=2"}, {"c", "3"}});
    CHECK(attributes({R"(a={"x":1,"y":"}, z=1"},b=2)"}) ==
          Map{{"a", R"({"x":1,"y":"}, z=1"})"}, {"b", "2"}});
    CHECK(attributes({R"(a=[1,{"x":2}])"}) == Map{{"a", R"([1,{"x":2}])"}});
}

TEST_CASE("read_attributes and read_headers: what is no pair is named") {
    for (const char* bad : {"x", "=1", "", " = "})
        CHECK(read_attributes({bad}).error() ==
              "--attribute " + std::string(bad) + " needs the form key=value");
    for (const char* bad : {"x", ":1", ""})
        CHECK(read_headers({bad}).error() ==
              "--header " + std::string(bad) + " needs the form Key:Value");
}

TEST_CASE("read_headers: a comma parts where a name and a colon follow") {
    CHECK(read_headers({"X-A: b:c,X-B:d", "X-C: e, f"}).value() ==
          KeyValues{{"X-A", "b:c"}, {"X-B", "d"}, {"X-C", "e, f"}});
    CHECK(read_headers({"Contact: <sip:a@b>, <sip:c@d>"}).value() ==
          KeyValues{{"Contact", "<sip:a@b>, <sip:c@d>"}});
    CHECK(read_headers({"Date: Mon, 1 Feb 2027 10:00:00"}).value() ==
          KeyValues{{"Date", "Mon, 1 Feb 2027 10:00:00"}});
}

}  // namespace confab::app::cli
