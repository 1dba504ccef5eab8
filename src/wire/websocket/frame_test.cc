// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/websocket/frame.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace confab::wire {
namespace {

using enum WebSocketOpcode;

Bytes octets(std::initializer_list<int> values) {
    Bytes out;
    for (const int value : values)
        out.push_back(static_cast<std::uint8_t>(value));
    return out;
}
std::string written(const WebSocketFrameHeader& header) {
    std::array<std::uint8_t, kMaxWebSocketHeader> room{};
    return std::string(as_text(write_websocket_header(header, room)));
}
WebSocketFrameHeader header_of(const Bytes& bytes) {
    const auto read = read_websocket_header(bytes);
    REQUIRE(read);
    REQUIRE(read->size > 0);
    return read->header;
}
WebSocketFrameError error_of(std::initializer_list<int> values) {
    const auto read = read_websocket_header(octets(values));
    REQUIRE_FALSE(read);
    return read.error();
}

}  // namespace

TEST_CASE("WebSocket frame: the examples of RFC 6455, 5.7") {
    // An unmasked text "Hello", the same masked.
    CHECK(header_of(octets({0x81, 0x05, 'H'})) ==
          WebSocketFrameHeader{.opcode = kText, .mask = {}, .length = 5});
    const Bytes masked = octets({0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58});
    const auto read = read_websocket_header(masked);
    REQUIRE(read);
    CHECK(read->size == 6);
    CHECK(read->header.length == 5);
    Bytes payload(masked.begin() + 6, masked.end());
    REQUIRE(read->header.mask);
    mask_websocket_payload(payload, *read->header.mask);
    CHECK(as_text(payload) == "Hello");
    // Two fragments, a ping, 256 and 65,536 bytes.
    CHECK_FALSE(header_of(octets({0x01, 0x03})).fin);
    CHECK(header_of(octets({0x80, 0x02})).opcode == kContinuation);
    CHECK(header_of(octets({0x89, 0x05})).opcode == kPing);
    CHECK(header_of(octets({0x82, 0x7E, 0x01, 0x00})).length == 256);
    CHECK(header_of(octets({0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0})).length == 65'536);
}

TEST_CASE("WebSocket frame: what is written is read again, at every length form [CON-41]") {
    for (const std::uint64_t length :
         {std::uint64_t{0}, std::uint64_t{125}, std::uint64_t{126}, std::uint64_t{65'535},
          std::uint64_t{65'536}, (std::uint64_t{1} << 63) - 1}) {
        for (const bool masked : {false, true}) {
            WebSocketFrameHeader header{
                .fin = masked, .compressed = true, .opcode = kBinary, .mask = {}, .length = length};
            if (masked) header.mask = WebSocketMask{1, 2, 3, 4};
            const std::string bytes = written(header);
            const auto read = read_websocket_header(as_bytes(bytes + "more"));
            REQUIRE(read);
            CHECK(read->size == bytes.size());
            CHECK(read->header == header);
            for (std::size_t cut = 0; cut < bytes.size(); ++cut)
                CHECK(read_websocket_header(as_bytes(bytes).first(cut))->size == 0);
            std::array<std::uint8_t, kMaxWebSocketHeader> room{};
            CHECK(write_websocket_header(header, BytesSpan(room).first(bytes.size() - 1)).empty());
        }
    }
}

TEST_CASE("WebSocket frame: faults are found with the byte that has them") {
    for (const int bits : {0x10, 0x20, 0x30})
        CHECK(error_of({0x82 | bits}) == WebSocketFrameError::kReservedBits);
    for (const int first : {0xC0, 0xC8, 0xC9, 0xCA})  // RSV1 where no message begins
        CHECK(error_of({first}) == WebSocketFrameError::kReservedBits);
    for (const int opcode : {3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF})
        CHECK(error_of({0x80 | opcode}) == WebSocketFrameError::kOpcode);
    for (const int first : {0x08, 0x09, 0x0A})  // a fragment
        CHECK(error_of({first}) == WebSocketFrameError::kControlFrame);
    for (const int length : {126, 127})
        CHECK(error_of({0x89, 0x80 | length}) == WebSocketFrameError::kControlFrame);
    CHECK(header_of(octets({0x89, 125})).length == 125);
}

TEST_CASE("WebSocket frame: a length has one form") {
    CHECK(error_of({0x82, 126, 0, 125}) == WebSocketFrameError::kLength);
    CHECK(header_of(octets({0x82, 126, 0, 126})).length == 126);
    CHECK(error_of({0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}) == WebSocketFrameError::kLength);
    CHECK(error_of({0x82, 127, 0x80, 0, 0, 0, 0, 1, 0, 0}) == WebSocketFrameError::kLength);
    CHECK((header_of(octets({0x82, 127, 0x7F, 0, 0, 0, 0, 1, 0, 0})).length >> 56) == 0x7F);
}

TEST_CASE("WebSocket frame: a mask goes on where the last piece ended") {
    constexpr WebSocketMask kMask{1, 2, 4, 8};
    Bytes whole(11, 0);
    mask_websocket_payload(whole, kMask);
    CHECK(whole == octets({1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4}));
    Bytes cut(11, 0);
    for (std::size_t at = 0, n = 1; at < cut.size(); at += n, n = 3)
        mask_websocket_payload(BytesSpan(cut).subspan(at, std::min(n, cut.size() - at)), kMask, at);
    CHECK(cut == whole);
}

TEST_CASE("WebSocket frame: every code that a close frame may carry, and no other") {
    const auto allowed = [](int code) {
        if (code >= 3000) return code < 5000;
        const bool reserved = code == 1004 || code == 1005 || code == 1006;
        return code >= 1000 && code <= 1014 && !reserved;
    };
    for (int code = 0; code < 65'536; ++code)
        if (is_close_code(static_cast<std::uint16_t>(code)) != allowed(code)) FAIL(code);
}

TEST_CASE("WebSocket frame: what a close frame says") {
    CHECK(read_close_payload({}) == kCloseNoCode);
    CHECK(read_close_payload(octets({3, 0xE8})) == 1000);
    CHECK(read_close_payload(octets({0x0F, 0xA1, 'b', 'y', 'e'})) == 4001);
    CHECK(read_close_payload(octets({3})).error() == kCloseProtocolError);
    CHECK(read_close_payload(octets({3, 0xED})).error() == kCloseProtocolError);  // 1005
    CHECK(read_close_payload(octets({3, 0xE8, 0xC3, 0x28})).error() == kCloseBadPayload);
}

}  // namespace confab::wire
