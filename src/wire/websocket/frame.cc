// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/websocket/frame.h"

#include "base/text.h"

namespace confab::wire {
namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kRsv1 = 0x40;
constexpr std::uint8_t kRsv2And3 = 0x30;
constexpr std::uint8_t kOpcodeBits = 0x0F;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLengthBits = 0x7F;
constexpr std::uint8_t kTwoBytes = 126;
constexpr std::uint8_t kEightBytes = 127;

bool is_opcode(std::uint8_t value) {
    return value <= 0x2 || (value >= 0x8 && value <= 0xA);
}

// After the two first bytes; false if the length has a shorter form or its first bit set.
bool read_long_length(ByteReader& reader, WebSocketFrameHeader& header) {
    if (header.length == kTwoBytes) {
        header.length = reader.u16();
        return !reader.ok() || header.length >= kTwoBytes;
    }
    header.length = reader.u64();
    return !reader.ok() || (header.length > 0xFFFF && header.length >> 63 == 0);
}

}  // namespace

Result<WebSocketHeaderRead, WebSocketFrameError> read_websocket_header(BytesView bytes) {
    if (bytes.empty()) return WebSocketHeaderRead{};
    ByteReader reader(bytes);
    const std::uint8_t first = reader.u8();
    const auto opcode = static_cast<std::uint8_t>(first & kOpcodeBits);
    if ((first & kRsv2And3) != 0) return fail(WebSocketFrameError::kReservedBits);
    if (!is_opcode(opcode)) return fail(WebSocketFrameError::kOpcode);

    WebSocketFrameHeader header;
    header.fin = (first & kFin) != 0;
    header.compressed = (first & kRsv1) != 0;
    header.opcode = static_cast<WebSocketOpcode>(opcode);
    // RFC 7692 §6: it marks messages, that is their first frames.
    if (header.compressed && (is_control(header.opcode) || opcode == 0))
        return fail(WebSocketFrameError::kReservedBits);
    if (is_control(header.opcode) && !header.fin) return fail(WebSocketFrameError::kControlFrame);

    const std::uint8_t second = reader.u8();
    header.length = second & kLengthBits;
    if (is_control(header.opcode) && header.length > kMaxControlPayload)
        return fail(WebSocketFrameError::kControlFrame);
    if (header.length >= kTwoBytes && !read_long_length(reader, header))
        return fail(WebSocketFrameError::kLength);
    if ((second & kMasked) != 0) {
        WebSocketMask& mask = header.mask.emplace();
        for (std::uint8_t& octet : mask)
            octet = reader.u8();
    }
    if (!reader.ok()) return WebSocketHeaderRead{};
    return WebSocketHeaderRead{reader.position(), header};
}

BytesView write_websocket_header(const WebSocketFrameHeader& header, BytesSpan out) {
    ByteWriter writer(out);
    const int first = (header.fin ? kFin : 0) | (header.compressed ? kRsv1 : 0) |
                      static_cast<std::uint8_t>(header.opcode);
    const int masked = header.mask ? kMasked : 0;
    writer.u8(static_cast<std::uint8_t>(first));
    if (header.length < kTwoBytes) {
        writer.u8(static_cast<std::uint8_t>(masked | static_cast<int>(header.length)));
    } else if (header.length <= 0xFFFF) {
        writer.u8(static_cast<std::uint8_t>(masked | kTwoBytes));
        writer.u16(static_cast<std::uint16_t>(header.length));
    } else {
        writer.u8(static_cast<std::uint8_t>(masked | kEightBytes));
        writer.u64(header.length);
    }
    if (header.mask) writer.bytes(*header.mask);
    return writer.ok() ? BytesView(writer.written()) : BytesView{};
}

void mask_websocket_payload(BytesSpan payload, const WebSocketMask& mask, std::uint64_t offset) {
    for (std::size_t i = 0; i < payload.size(); ++i)
        payload[i] = static_cast<std::uint8_t>(payload[i] ^ mask[(i + offset) & 3]);
}

bool is_close_code(std::uint16_t code) {
    if (code >= 3000) return code <= 4999;
    return code >= 1000 && code <= 1014 && code != 1004 && code != kCloseNoCode &&
           code != kCloseAbnormal;
}

Result<std::uint16_t, std::uint16_t> read_close_payload(BytesView payload) {
    if (payload.empty()) return kCloseNoCode;
    if (payload.size() < 2) return fail(kCloseProtocolError);
    const std::uint16_t code = load_be16(payload.data());
    if (!is_close_code(code)) return fail(kCloseProtocolError);
    if (!is_valid_utf8(as_text(payload.subspan(2)))) return fail(kCloseBadPayload);
    return code;
}

}  // namespace confab::wire
