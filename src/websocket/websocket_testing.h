// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For the tests of WebSockets: frames as clients send them, and what compresses.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "websocket/message.h"
#include "wire/websocket/frame.h"

namespace confab::websocket {

// As senders compress it (RFC 7692 §7.2.1).
inline std::string deflated(std::string plain) {
    std::uint64_t made = 0;
    std::string out = MessagePart(std::move(plain)).deflated(made);
    out.resize(out.size() - MessagePart::kTailBytes);
    return out;
}

// Nothing in it repeats.
inline std::string noise(std::size_t size) {
    std::string out(size, '\0');
    std::uint32_t state = 1;
    for (char& c : out) {
        state = state * 1'664'525 + 1'013'904'223;
        c = static_cast<char>(state >> 24);
    }
    return out;
}

struct Sent {
    bool fin = true;
    bool compressed = false;
    bool masked = true;
};
// A frame of a client.
inline std::string frame(wire::WebSocketOpcode opcode, std::string_view payload, Sent how = {}) {
    constexpr wire::WebSocketMask kMask{0x37, 0xFA, 0x21, 0x3D};
    wire::WebSocketFrameHeader header{.fin = how.fin,
                                      .compressed = how.compressed,
                                      .opcode = opcode,
                                      .mask = {},
                                      .length = payload.size()};
    if (how.masked) header.mask = kMask;
    std::array<std::uint8_t, wire::kMaxWebSocketHeader> room{};
    std::string out(as_text(wire::write_websocket_header(header, room)));
    Bytes bytes = to_vector(as_bytes(payload));
    if (how.masked) wire::mask_websocket_payload(bytes, kMask);
    return out.append(as_text(bytes));
}

}  // namespace confab::websocket
