// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "websocket/handshake.h"

#include <doctest/doctest.h>

namespace confab::websocket {
namespace {

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 §1.3

}  // namespace

TEST_CASE("WebSocket handshake: the example of RFC 6455, byte for byte [CON-41]") {
    const Handshake answer = answer_handshake({kKey, "13", ""}, "Vary: Origin\r\n", true);
    CHECK(answer.accepted);
    CHECK_FALSE(answer.inflates);
    CHECK_FALSE(answer.deflates);
    CHECK(answer.response ==
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nVary: Origin\r\n\r\n");
}

TEST_CASE("WebSocket handshake: compression as it was agreed on [CON-41]") {
    const HandshakeRequest offer{kKey, "13", "permessage-deflate; client_max_window_bits"};
    const Handshake answer = answer_handshake(offer, "", true);
    CHECK(answer.inflates);
    CHECK(answer.deflates);
    CHECK(answer.response.ends_with(
        "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
        "client_no_context_takeover\r\n\r\n"));
    const Handshake without = answer_handshake(offer, "", false);
    CHECK(without.accepted);
    CHECK_FALSE(without.inflates);
    CHECK(without.response.find("Extensions") == std::string::npos);
    const Handshake small =
        answer_handshake({kKey, "13", "permessage-deflate; server_max_window_bits=9"}, "", true);
    CHECK(small.inflates);
    CHECK_FALSE(small.deflates);
}

TEST_CASE("WebSocket handshake: without key or version it is a bad request") {
    const auto status = [](const HandshakeRequest& request) {
        const Handshake answer = answer_handshake(request, "Vary: Origin\r\n", true);
        CHECK_FALSE(answer.accepted);
        CHECK(answer.response.find("\r\nVary: Origin\r\n") != std::string::npos);
        const std::size_t body = answer.response.find("\r\n\r\n") + 4;
        CHECK(answer.response.find(
                  "Content-Length: " + std::to_string(answer.response.size() - body) + "\r\n") !=
              std::string::npos);
        return answer.response.substr(9, 3);
    };
    CHECK(status({{}, "13", ""}) == "400");
    CHECK(status({"", "13", ""}) == "400");
    CHECK(status({kKey, {}, ""}) == "400");
    CHECK(status({kKey, "8", ""}) == "426");
    CHECK(status({kKey, "013", ""}) == "426");
    const std::string longest(kMaxHandshakeKey, 'k');
    CHECK(answer_handshake({std::string_view(longest).substr(1), "13", ""}, "", true).accepted);
    CHECK(answer_handshake({longest, "13", ""}, "", true).accepted);
    const std::string longer = longest + "k";
    CHECK(status({longer, "13", ""}) == "400");
    CHECK(answer_handshake({kKey, "8", ""}, "", true)
              .response.find("Sec-WebSocket-Version: 13\r\n") != std::string::npos);
}

}  // namespace confab::websocket
