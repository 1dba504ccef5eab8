// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Frames of WebSocket (RFC 6455 §5.2; RSV1 says "compressed", RFC 7692 §6).
//    0                   1
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
//   +-+-+-+-+-------+-+-------------+-------------------------------+
//   |F|R|R|R| opcode|M| length      | 16 or 64 bits of length if    |
//   |I|S|S|S|       |A| 0...125     | that is 126 or 127            |
//   |N|1|2|3|       |S| 126 127     |                               |
//   +-+-+-+-+-------+K+-------------+-------------------------------+
//   | 32 bits of mask if MASK is set | payload ...
// Only the shape is checked here; what may follow what is the receiver's business.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace confab::wire {

enum class WebSocketOpcode : std::uint8_t {
    kContinuation = 0x0,
    kText = 0x1,
    kBinary = 0x2,
    kClose = 0x8,
    kPing = 0x9,
    kPong = 0xA,
};
inline constexpr bool is_control(WebSocketOpcode opcode) {
    return (static_cast<std::uint8_t>(opcode) & 0x8) != 0;
}

using WebSocketMask = std::array<std::uint8_t, 4>;

inline constexpr std::size_t kMaxWebSocketHeader = 14;
inline constexpr std::size_t kMaxControlPayload = 125;  // §5.5

struct WebSocketFrameHeader {
    bool fin = true;
    bool compressed = false;
    WebSocketOpcode opcode = WebSocketOpcode::kText;
    std::optional<WebSocketMask> mask;
    std::uint64_t length = 0;
    bool operator==(const WebSocketFrameHeader&) const = default;
};

// All of them end the connection with 1002 (§7.1.7).
enum class WebSocketFrameError : std::uint8_t {
    kReservedBits,
    kOpcode,
    kControlFrame,  // longer than 125 bytes or a fragment
    kLength,        // not in its shortest form, or 2^63 and more
};

struct WebSocketHeaderRead {
    std::size_t size = 0;  // 0: it is not all there yet
    WebSocketFrameHeader header;
};
// Of the first bytes of a frame. A fault is found as soon as its byte is there.
Result<WebSocketHeaderRead, WebSocketFrameError> read_websocket_header(BytesView bytes);
// What was written of `out`, at most kMaxWebSocketHeader bytes; empty if they do not fit.
BytesView write_websocket_header(const WebSocketFrameHeader& header, BytesSpan out);

// Masks and unmasks (§5.3); `offset` is how much of the frame's payload came before.
void mask_websocket_payload(BytesSpan payload, const WebSocketMask& mask, std::uint64_t offset = 0);

inline constexpr std::uint16_t kCloseNormal = 1000;
inline constexpr std::uint16_t kCloseProtocolError = 1002;
inline constexpr std::uint16_t kCloseNoCode = 1005;    // never sent
inline constexpr std::uint16_t kCloseAbnormal = 1006;  // never sent
inline constexpr std::uint16_t kCloseBadPayload = 1007;
inline constexpr std::uint16_t kCloseTooBig = 1009;
inline constexpr std::uint16_t kCloseInternalError = 1011;

// Whether a close frame may carry it (§7.4; 1012 to 1014 are in IANA's registry).
bool is_close_code(std::uint16_t code);

// The code of a close frame's payload, kCloseNoCode if it is empty; on failure the code to close
// with. A reason has to be text and is not kept.
Result<std::uint16_t, std::uint16_t> read_close_payload(BytesView payload);

}  // namespace confab::wire
