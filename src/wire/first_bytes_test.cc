// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/first_bytes.h"

#include <doctest/doctest.h>

#include <string>

#include "wire/ice/stun.h"

namespace confab::wire {
namespace {

Bytes stun(StunClass kind, StunMethod method, const char* username = nullptr) {
    std::array<std::uint8_t, 200> buffer;
    StunBuilder builder(buffer, kind, method, {1, 2, 3});
    if (username != nullptr) builder.text(StunAttr::kUsername, username);
    return to_vector(builder.finish());
}

Bytes framed(BytesView message) {
    Bytes result{static_cast<std::uint8_t>(message.size() >> 8),
                 static_cast<std::uint8_t>(message.size())};
    result.insert(result.end(), message.begin(), message.end());
    return result;
}

// What is said at last, and that nothing else was said before.
FirstBytes kind_of(BytesView start) {
    FirstBytes kind = FirstBytes::kMore;
    for (std::size_t size = 0; size <= start.size(); ++size) {
        const FirstBytes now = first_bytes(start.first(size));
        if (kind != FirstBytes::kMore) CHECK(now == kind);
        if (size >= kFirstBytes) CHECK(now != FirstBytes::kMore);
        kind = now;
    }
    return kind;
}
FirstBytes kind_of(std::string_view text) {
    return kind_of(as_bytes(text));
}

}  // namespace

TEST_CASE("first_bytes: each protocol of the port is known by its begin [TURN-18] [ICE-08]") {
    CHECK(kind_of("GET / HTTP/1.1\r\n") == FirstBytes::kHttp);
    CHECK(kind_of("options * HTTP/1.1\r\n") == FirstBytes::kHttp);
    CHECK(kind_of(std::string_view("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 11)) ==
          FirstBytes::kTls);
    CHECK(kind_of(std::string_view("\x16\x03", 2)) == FirstBytes::kTls);
    const Bytes binding = stun(StunClass::kRequest, StunMethod::kBinding, "abcd:efgh");
    CHECK(kind_of(framed(binding)) == FirstBytes::kIceTcp);
    CHECK(kind_of(binding) == FirstBytes::kTurn);
    CHECK(kind_of(stun(StunClass::kRequest, StunMethod::kAllocate)) == FirstBytes::kTurn);
    CHECK(kind_of(framed(stun(StunClass::kRequest, StunMethod::kBinding))) == FirstBytes::kIceTcp);
}

TEST_CASE("first_bytes: too little is not told, nothing else is waited for [TURN-18]") {
    CHECK(kind_of("") == FirstBytes::kMore);
    CHECK(kind_of("\x16") == FirstBytes::kMore);
    const Bytes frame = framed(stun(StunClass::kRequest, StunMethod::kBinding, "a:b"));
    for (std::size_t size = 0; size < kFirstBytes; ++size)
        CHECK(first_bytes(BytesView(frame).first(size)) == FirstBytes::kMore);
    CHECK(first_bytes(BytesView(frame).first(kFirstBytes)) == FirstBytes::kIceTcp);
    // Of a few bytes that may be the begin of something the rest decides.
    for (const std::string junk : {"\x80\x2e\x01\x03\x01", "\xff\xff", "\x16\x04\x01\x02\x03",
                                   "\r\n", " GET", "1 a", "@GET"}) {
        CAPTURE(junk);
        CHECK(kind_of(junk + std::string(kFirstBytes, 'x')) == FirstBytes::kUnknown);
    }
    // A frame whose length is not that of the message, one too short, one with no cookie.
    Bytes other = frame;
    other[1] = static_cast<std::uint8_t>(other[1] + 4);
    CHECK(kind_of(other) == FirstBytes::kUnknown);
    CHECK(kind_of(std::string_view("\0\x13\0\x01\0\0\x21\x12\xa4\x42", 10)) ==
          FirstBytes::kUnknown);
    other = frame;
    other[8] ^= 1U;
    CHECK(kind_of(other) == FirstBytes::kUnknown);
}

TEST_CASE("is_for_turn: what TURN clients send, nothing that ICE and media send [TURN-19]") {
    for (const StunMethod method : {StunMethod::kAllocate, StunMethod::kRefresh,
                                    StunMethod::kCreatePermission, StunMethod::kChannelBind}) {
        CHECK(is_for_turn(stun(StunClass::kRequest, method)));
        CHECK(is_for_turn(stun(StunClass::kRequest, method, "user")));
        CHECK_FALSE(is_for_turn(stun(StunClass::kSuccess, method)));
        CHECK_FALSE(is_for_turn(stun(StunClass::kError, method)));
    }
    CHECK(is_for_turn(stun(StunClass::kIndication, StunMethod::kSend)));
    CHECK(is_for_turn(stun(StunClass::kRequest, StunMethod::kBinding)));  // a question to STUN
    CHECK_FALSE(is_for_turn(stun(StunClass::kRequest, StunMethod::kBinding, "abcd:efgh")));
    CHECK_FALSE(is_for_turn(stun(StunClass::kIndication, StunMethod::kBinding)));
    CHECK_FALSE(is_for_turn(stun(StunClass::kSuccess, StunMethod::kBinding)));
    CHECK_FALSE(is_for_turn(stun(StunClass::kIndication, StunMethod::kData)));
    CHECK_FALSE(is_for_turn(stun(StunClass::kRequest, StunMethod{0x00B})));
    CHECK_FALSE(is_for_turn({}));
    for (unsigned first = 0; first < 256; ++first) {
        CAPTURE(first);
        const Bytes datagram{static_cast<std::uint8_t>(first), 0, 0, 4, 1, 2, 3, 4};
        CHECK(is_for_turn(datagram) == (first >= 0x40 && first <= 0x4F));
    }
    Bytes cut = stun(StunClass::kRequest, StunMethod::kAllocate, "user");
    cut.pop_back();
    CHECK_FALSE(is_for_turn(cut));
}

}  // namespace confab::wire
