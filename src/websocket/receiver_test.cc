// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "websocket/receiver.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "websocket/websocket_testing.h"

namespace confab::websocket {
namespace {

using enum wire::WebSocketOpcode;
using Seen = std::vector<std::string>;

constexpr Sent kPart{.fin = false};
constexpr Sent kPacked{.compressed = true};
constexpr Sent kPackedPart{.fin = false, .compressed = true};

std::string describe(const Receiver& receiver, Receiver::Event event) {
    const std::string payload(receiver.payload());
    switch (event) {
        case Receiver::Event::kMessage:
            return (receiver.is_text() ? "text " : "binary ") + payload;
        case Receiver::Event::kPing:
            return "ping " + payload;
        case Receiver::Event::kPong:
            return "pong " + payload;
        case Receiver::Event::kClose:
            return "close " + std::to_string(receiver.code());
        case Receiver::Event::kFault:
            return "fault " + std::to_string(receiver.code());
        case Receiver::Event::kTooBig:
            return "too big " + std::to_string(receiver.code());
        case Receiver::Event::kNone:
            break;
    }
    return "";
}

Seen read(Receiver& receiver, std::string_view bytes, std::size_t at_once = 1 << 20) {
    Seen seen;
    while (!bytes.empty()) {
        // A copy, so that nothing may refer to what came before.
        const Bytes piece = to_vector(as_bytes(bytes.substr(0, at_once)));
        bytes.remove_prefix(piece.size());
        BytesView input = piece;
        while (!input.empty()) {
            const Receiver::Event event = receiver.read(input);
            if (event == Receiver::Event::kNone && !input.empty()) FAIL("input is left");
            if (event != Receiver::Event::kNone) seen.push_back(describe(receiver, event));
        }
    }
    return seen;
}
// Wherever the bytes are cut.
Seen read(std::string_view bytes, bool inflates = true, std::size_t limit = 100'000) {
    Receiver whole(limit, inflates);
    const Seen seen = read(whole, bytes);
    for (const std::size_t at_once : {1U, 2U, 3U, 5U, 13U}) {
        Receiver cut(limit, inflates);
        CHECK(read(cut, bytes, at_once) == seen);
    }
    return seen;
}
std::string close_of(int code, std::string_view reason = "") {
    std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
    return frame(kClose, payload.append(reason));
}

}  // namespace

TEST_CASE("WebSocket receiver: messages of every length form [CON-41] [CON-42]") {
    for (const std::size_t size : {0U, 1U, 125U, 126U, 127U, 65'535U, 65'536U, 99'999U}) {
        const std::string payload(size, 'x');
        CHECK(read(frame(kText, payload) + frame(kBinary, payload)) ==
              Seen{"text " + payload, "binary " + payload});
    }
    CHECK(read(frame(kText, "h\xC3\xA9") + frame(kBinary, "\xFF")) ==
          Seen{"text h\xC3\xA9", "binary \xFF"});
}

TEST_CASE("WebSocket receiver: fragments are joined, with control frames between them") {
    CHECK(read(frame(kText, "a", kPart) + frame(kPing, "p") + frame(kContinuation, "", kPart) +
               frame(kPong, "q") + frame(kContinuation, "b") + frame(kBinary, "c")) ==
          Seen{"ping p", "pong q", "text ab", "binary c"});
    // A character may stand in two of them.
    CHECK(read(frame(kText, "\xC3", kPart) + frame(kContinuation, "\xA9")) ==
          Seen{"text \xC3\xA9"});
    const std::string longest(125, 'p');
    CHECK(read(frame(kPing, longest)) == Seen{"ping " + longest});
}

TEST_CASE("WebSocket receiver: faults of frames end with 1002 (RFC 6455, 7.4.1)") {
    const Seen fault{"fault 1002"};
    CHECK(read(frame(kText, "x", {.masked = false})) == fault);
    CHECK(read(frame(kPing, "x", {.masked = false})) == fault);
    CHECK(read(frame(kContinuation, "x")) == fault);
    CHECK(read(frame(kContinuation, "x", kPart)) == fault);
    CHECK(read(frame(kPing, "x", kPart)) == fault);
    CHECK(read(frame(kPing, std::string(126, 'x'))) == fault);
    CHECK(read(frame(kClose, std::string(126, 'x'))) == fault);
    CHECK(read(frame(kPing, "x", kPacked)) == fault);
    CHECK(read(frame(kText, "a", kPart) + frame(kText, "b")) == fault);
    CHECK(read(frame(kText, "a", kPart) + frame(kContinuation, "b", kPart) + frame(kBinary, "c")) ==
          fault);
    CHECK(read(frame(kText, "a", kPart) + frame(kContinuation, "b", kPacked)) == fault);
    for (const char first : {'\x83', '\x87', '\x8B', '\x8F', '\xA1', '\x91'})
        CHECK(read(std::string{first, '\x80', 0, 0, 0, 0}) == fault);
    CHECK(read(frame(kText, "x", kPacked), false) == fault);  // not agreed
    // What was whole before is given; nothing after it is read.
    CHECK(read(frame(kText, "a") + frame(kContinuation, "b") + frame(kText, "c")) ==
          Seen{"text a", "fault 1002"});
}

TEST_CASE("WebSocket receiver: texts that are none end with 1007 (RFC 6455, 8.1)") {
    for (const char* text :
         {"\xC3\x28", "\xFF", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "ok\xE2\x82",
          "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0"}) {
        CAPTURE(text);
        CHECK(read(frame(kText, text)) == Seen{"fault 1007"});
        CHECK(read(frame(kText, text, kPart) + frame(kContinuation, "")) == Seen{"fault 1007"});
        CHECK(read(frame(kText, deflated(text), kPacked)) == Seen{"fault 1007"});
        CHECK(read(frame(kBinary, text)) == Seen{"binary " + std::string(text)});
    }
}

TEST_CASE("WebSocket receiver: each close code, and payloads that are none [CON-45]") {
    CHECK(read(frame(kClose, "")) == Seen{"close 1005"});
    for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1014, 3000, 4999})
        CHECK(read(close_of(code)) == Seen{"close " + std::to_string(code)});
    for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65'535})
        CHECK(read(close_of(code)) == Seen{"fault 1002"});
    CHECK(read(frame(kClose, "x")) == Seen{"fault 1002"});
    CHECK(read(close_of(1000, std::string(123, 'r'))) == Seen{"close 1000"});
    CHECK(read(close_of(1000, "\xC3\x28")) == Seen{"fault 1007"});
}

TEST_CASE("WebSocket receiver: the examples of RFC 7692, 7.2.3") {
    const auto octets = [](std::initializer_list<int> values) {
        std::string out;
        for (const int value : values)
            out += static_cast<char>(value);
        return out;
    };
    const std::string hello = octets({0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00});
    const Seen expected{"text Hello"};
    CHECK(read(frame(kText, hello, kPacked)) == expected);
    CHECK(read(frame(kText, hello.substr(0, 3), kPackedPart) +
               frame(kContinuation, hello.substr(3))) == expected);
    // A block without compression; one that is final; two blocks.
    CHECK(read(frame(kText,
                     octets({0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00}),
                     kPacked)) == expected);
    CHECK(read(frame(kText, octets({0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00}), kPacked)) ==
          expected);
    CHECK(read(frame(kText,
                     octets({0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07,
                             0x00}),
                     kPacked)) == expected);
    // An empty message (7.2.3.6). One that refers to the message before was not agreed on.
    CHECK(read(frame(kText, octets({0x00}), kPacked)) == Seen{"text "});
    CHECK(read(frame(kText, hello, kPacked) + frame(kText, octets({0xF2, 0x00, 0x11, 0x00, 0x00}),
                                                    kPacked)) == Seen{"text Hello", "fault 1007"});
}

TEST_CASE("WebSocket receiver: compressed and plain messages in turn, and broken ones [CON-41]") {
    const std::string large = noise(30'000) + std::string(60'000, 'x');
    CHECK(read(frame(kBinary, deflated(large), kPacked) + frame(kText, "plain") +
               frame(kText, deflated("packed"), kPacked)) ==
          Seen{"binary " + large, "text plain", "text packed"});
    CHECK(read(frame(kBinary, "\xFF\xFF\xFF\xFF", kPacked)) == Seen{"fault 1007"});
    CHECK(read(frame(kBinary, "", kPacked)) == Seen{"binary "});
}

TEST_CASE("WebSocket receiver: limits on the wire and inflated, one less and one more [IMM-13]") {
    constexpr std::size_t kLimit = 1000;
    const auto seen = [](const std::string& bytes) {
        const Seen all = read(bytes, true, kLimit);
        return all.empty() ? std::string() : all.back().substr(0, 12);
    };
    for (const std::size_t size : {kLimit - 1, kLimit, kLimit + 1}) {
        const std::string plain(size, 'x');
        const bool fits = size <= kLimit;
        CHECK(seen(frame(kText, plain)) == (fits ? "text xxxxxxx" : "too big 1009"));
        CHECK(seen(frame(kText, "x", kPart) + frame(kPing, "") +
                   frame(kContinuation, plain.substr(1))) ==
              (fits ? "text xxxxxxx" : "too big 1009"));
        CHECK(seen(frame(kText, deflated(plain), kPacked)) ==
              (fits ? "text xxxxxxx" : "too big 1000"));
    }
    // By what its header says: nothing of it has to come.
    CHECK(seen(frame(kBinary, std::string(kLimit + 1, 'x')).substr(0, 8)) == "too big 1009");
    CHECK(seen("\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
               "mask") == "too big 1009");
    Receiver endless(0, false);
    CHECK(read(endless, frame(kText, std::string(300'000, 'x'))).size() == 1);
}

TEST_CASE("WebSocket receiver: fragments that never end are cut at the limit [IMM-13]") {
    Receiver receiver(1000, true);
    CHECK(read(receiver, frame(kText, std::string(100, 'x'), kPart)).empty());
    for (int i = 0; i < 9; ++i)
        CHECK(read(receiver, frame(kContinuation, std::string(100, 'x'), kPart)).empty());
    CHECK(receiver.bytes_held() <= 2000);
    for (int i = 0; i < 1000; ++i)  // nothing grows with empty ones
        CHECK(read(receiver, frame(kContinuation, "", kPart)).empty());
    CHECK(receiver.bytes_held() <= 2000);
    CHECK(read(receiver, frame(kContinuation, "x", kPart)) == Seen{"too big 1009"});
    CHECK(read(receiver, frame(kText, "x")).empty());
    CHECK(receiver.bytes_held() == 0);
}

TEST_CASE("WebSocket receiver: holds nothing between two messages [CON-41]") {
    Receiver receiver(100'000, true);
    const std::string begun = frame(kBinary, "next").substr(0, 3);
    CHECK(read(receiver, frame(kBinary, std::string(50'000, 'x')) + frame(kPing, "ping") + begun)
              .size() == 2);
    CHECK(receiver.bytes_held() == 0);
    CHECK(receiver.missing() == 0);
    // Nor of the last one, when nothing follows: whoever had it says so.
    CHECK(read(receiver, frame(kBinary, "next").substr(3)).size() == 1);
    const std::string plain(50'000, 'x');
    for (const std::string& one :
         {frame(kBinary, plain), frame(kBinary, deflated(plain), {.compressed = true})}) {
        CHECK(read(receiver, one).size() == 1);
        CHECK(receiver.bytes_held() > 0);
        receiver.release();
        CHECK(receiver.bytes_held() == 0);
    }
    CHECK(read(receiver, begun).empty());
    CHECK(read(receiver, frame(kBinary, "next").substr(3, 4)).empty());
    CHECK(receiver.missing() == 3);
}

}  // namespace confab::websocket
