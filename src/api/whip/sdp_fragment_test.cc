// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/whip/sdp_fragment.h"

#include <doctest/doctest.h>

namespace confab::api {

// As RFC 9725 §4.3.1 shows it.
TEST_CASE("SDP fragment: credentials and candidates are read [CON-61]") {
    const auto fragment = parse_fragment(
        "a=group:BUNDLE 0 1\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
        "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
        "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\n"
        "m=video 9 UDP/TLS/RTP/SAVPF 0\na=candidate:2 1 udp 1 192.0.2.2 2 typ host\n"
        "a=end-of-candidates\r\n");
    REQUIRE(fragment.has_value());
    CHECK(fragment->ufrag == "EsAw");
    CHECK(fragment->pwd == "P2uYro0UCOQ4zxjKXaWCBui1");
    REQUIRE(fragment->candidates.size() == 2);
    CHECK(fragment->candidates[0].mid == "0");
    CHECK(fragment->candidates[0].line == "1387637174 1 udp 2122260223 192.0.2.1 61764 typ host");
    CHECK(fragment->candidates[1].mid.empty());
    CHECK(fragment->end_of_candidates);
}

TEST_CASE("SDP fragment: what is none is refused [CON-61]") {
    for (const char* text : {"", "\r\n", "hello", "a", "a=", "a=group:BUNDLE 0\r\n", "{}"})
        CHECK_MESSAGE(!parse_fragment(text).has_value(), text);
    CHECK(parse_fragment("a=ice-ufrag:x").has_value());
    CHECK_FALSE(parse_fragment("a=ice-ufrag:x\r\nhello").has_value());
}

TEST_CASE("SDP fragment: bounds of length, number and values [CON-61]") {
    const auto candidates = [](std::size_t count) {
        std::string text;
        for (std::size_t i = 0; i < count; ++i)
            text += "a=candidate:1\n";
        return parse_fragment(text).has_value();
    };
    CHECK(candidates(kMaxFragmentCandidates));
    CHECK_FALSE(candidates(kMaxFragmentCandidates + 1));
    CHECK(parse_fragment("a=ice-pwd:" + std::string(512, 'x')).has_value());
    CHECK_FALSE(parse_fragment("a=ice-pwd:" + std::string(513, 'x')).has_value());
    const std::string padding = "a=ice-ufrag:x\n";
    std::string text = padding;
    while (text.size() + padding.size() <= kMaxFragmentBytes)
        text += padding;
    text.append(kMaxFragmentBytes - text.size(), '\n');
    CHECK(parse_fragment(text).has_value());
    CHECK_FALSE(parse_fragment(text + "\n").has_value());
}

TEST_CASE("SDP fragment: what is written is read again [CON-61]") {
    const SdpFragment fragment{"u", "p", {{"0", "1 1 udp 1 1.2.3.4 5 typ host"}}, true};
    const auto again = parse_fragment(write_fragment(fragment));
    REQUIRE(again.has_value());
    CHECK(*again == fragment);
    const SdpFragment credentials{"u", "p", {}, false};
    CHECK(write_fragment(credentials) == "a=ice-ufrag:u\r\na=ice-pwd:p\r\n");
}

}  // namespace confab::api
