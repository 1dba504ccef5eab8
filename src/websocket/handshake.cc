// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "websocket/handshake.h"

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "websocket/deflate_offer.h"

namespace confab::websocket {
namespace {

// §1.3: that we understand what the key is for.
std::string accept_of(std::string_view key) {
    const std::string both = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    return base64_encode(crypto::sha1(as_bytes(both)));
}

Handshake refuse(std::string_view status, std::string_view why, std::string_view lines) {
    Handshake answer;
    answer.response = "HTTP/1.1 " + std::string(status) + "\r\nConnection: close\r\n";
    answer.response += "Content-Length: " + std::to_string(why.size()) + "\r\n";
    answer.response.append(lines).append("\r\n").append(why);
    return answer;
}

}  // namespace

Handshake answer_handshake(const HandshakeRequest& request, std::string_view lines,
                           bool may_deflate) {
    constexpr std::string_view kBad = "400 Bad Request";
    if (!request.key || request.key->empty())
        return refuse(kBad, "the Sec-WebSocket-Key header is missing", lines);
    if (request.key->size() > kMaxHandshakeKey)
        return refuse(kBad, "the Sec-WebSocket-Key header is invalid", lines);
    if (!request.version) return refuse(kBad, "the Sec-WebSocket-Version header is missing", lines);
    if (*request.version != "13")  // §4.4
        return refuse("426 Upgrade Required", "the Sec-WebSocket-Version header is not 13",
                      "Sec-WebSocket-Version: 13\r\n" + std::string(lines));

    const DeflateAgreement agreed =
        may_deflate ? agree_on_deflate(request.extensions) : DeflateAgreement{};
    Handshake answer{true, {}, !agreed.response.empty(), agreed.may_send};
    answer.response =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n";
    answer.response += "Sec-WebSocket-Accept: " + accept_of(*request.key) + "\r\n";
    if (answer.inflates) answer.response += "Sec-WebSocket-Extensions: " + agreed.response + "\r\n";
    answer.response.append(lines).append("\r\n");
    return answer;
}

}  // namespace confab::websocket
