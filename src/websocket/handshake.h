// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The server's part of the opening handshake (RFC 6455 §4.2), after HTTP has found a GET with
// "Upgrade: websocket" and "Connection: upgrade".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace confab::websocket {

// What the request said in Sec-WebSocket-…; nullopt: nothing.
struct HandshakeRequest {
    std::optional<std::string_view> key;
    std::optional<std::string_view> version;
    std::string_view extensions;  // all of its lines, with commas between
};

struct Handshake {
    bool accepted = false;
    std::string response;   // of HTTP, whole
    bool inflates = false;  // the client may compress (RFC 7692)
    bool deflates = false;  // we may
};

inline constexpr std::size_t kMaxHandshakeKey = 24;  // 16 bytes as base64

// `lines` are more header lines for the response, each with its end.
Handshake answer_handshake(const HandshakeRequest& request, std::string_view lines,
                           bool may_deflate);

}  // namespace confab::websocket
