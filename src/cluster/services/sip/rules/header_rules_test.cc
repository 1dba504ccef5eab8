// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/rules/header_rules.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::cluster::services::sip {
namespace {

std::string sent(const std::string& name, const std::string& value = "x") {
    Texts headers;
    headers[name] = value;
    return headers_fault(headers).value_or("");
}

}  // namespace

TEST_CASE("Headers: names are tokens, and none that the service writes itself [SIP-14]") {
    for (const char* good : {"X-A", "Subject", "Route", "To", "Via", "a1-.!%*_+`'~"})
        CHECK(sent(good).empty());
    CHECK(sent(std::string(255, 'X')).empty());
    CHECK(sent(std::string(256, 'X')) ==
          "invalid header name: header name too long (max 255 characters)");
    CHECK(sent("") == "invalid header name: header name cannot be empty");
    CHECK(sent("a b") ==
          "invalid header name: header name a b contains invalid characters: char 32 not allowed");
    for (const char* bad : {"a:b", "a\r\nb", "\xc3\xa4", "a\"b"})
        CHECK_FALSE(sent(bad).empty());
    for (const char* own : {"Accept",
                            "accept-encoding",
                            "Accept-Language",
                            "Allow",
                            "Allow-Events",
                            "Call-ID",
                            "Contact",
                            "Content-Encoding",
                            "Content-Length",
                            "Content-Type",
                            "CSeq",
                            "Event",
                            "Expires",
                            "From",
                            "Max-Forwards",
                            "Record-Route",
                            "Refer-To",
                            "Reply-To",
                            "k",
                            "l",
                            "m",
                            "o",
                            "r",
                            "t",
                            "u",
                            "v",
                            "f",
                            "i",
                            "c",
                            "e",
                            "K"})
        CHECK(sent(own) ==
              "invalid header name: header name " + std::string(own) + " not supported");
}

TEST_CASE("Headers: values are printable [SIP-15]") {
    CHECK(sent("X-A", "\xc3\xa4\tb ~").empty());
    CHECK(sent("X-A", "").empty());
    CHECK(sent("X-A", std::string(1024, 'v')).empty());
    CHECK(sent("X-A", std::string(1025, 'v')) ==
          "invalid header value for X-A: header X-A: value too long (max 1024 characters)");
    CHECK(sent("X-A", "a\r\nb") ==
          "invalid header value for X-A: header X-A: value: char 13 not allowed");
    CHECK(sent("X-A", std::string("a\0b", 3)) ==
          "invalid header value for X-A: header X-A: value: char 0 not allowed");
    CHECK(sent("X-A", "\x7f") ==
          "invalid header value for X-A: header X-A: value: char 127 not allowed");
}

TEST_CASE("Headers: maps name any header, in either direction [SIP-14]") {
    Texts map;
    map["Call-ID"] = "a b";
    CHECK_FALSE(header_keys_fault(map));
    CHECK(header_values_fault(map).value() ==
          "invalid header name: header name a b contains invalid characters: char 32 not allowed");
    Texts back;
    back["a b"] = "Call-ID";
    CHECK_FALSE(header_values_fault(back));
    CHECK(header_keys_fault(back));
    // Of two faults always the same.
    Texts two;
    two["b b"] = "x";
    two["a a"] = "x";
    CHECK(headers_fault(two).value().find("a a") != std::string::npos);
}

}  // namespace confab::cluster::services::sip
