// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "websocket/message.h"

#include <doctest/doctest.h>

#include "websocket/inflater.h"
#include "websocket/outgoing_frame.h"
#include "websocket/websocket_testing.h"

namespace confab::websocket {
namespace {

std::string without_tail(std::string deflated) {
    deflated.resize(deflated.size() - MessagePart::kTailBytes);
    return deflated;
}
std::string inflated(std::string_view message) {
    Inflater inflater;
    return inflater.inflate(message, 0).value_or("broken");
}
std::string bytes_of(const OutgoingFrame& frame) {
    std::vector<BytesView> pieces;
    frame.append_to(pieces);
    std::string out;
    for (const BytesView piece : pieces)
        out += as_text(piece);
    return out;
}

}  // namespace

TEST_CASE("WebSocket message: what is compressed is what it was, at every size [CON-41]") {
    std::uint64_t made = 0;
    for (const std::size_t size : {1U, 2U, 255U, 1000U, 65'535U, 65'536U, 300'000U}) {
        for (const std::string& plain : {std::string(size, 'x'), noise(size)}) {
            const MessagePart part(plain);
            const std::string& deflated = part.deflated(made);
            CHECK(deflated.ends_with(std::string_view("\0\0\xFF\xFF", 4)));
            CHECK(inflated(without_tail(deflated)) == plain);
        }
    }
}

TEST_CASE("WebSocket message: compressed parts stand behind each other in any order") {
    std::uint64_t made = 0;
    const MessagePart a(std::string(2000, 'a') + noise(100));
    const MessagePart b(noise(100) + std::string(2000, 'a'));
    for (const auto& [first, second] : {std::pair{&a, &b}, std::pair{&b, &a}, std::pair{&a, &a}})
        CHECK(inflated(without_tail(first->deflated(made) + second->deflated(made))) ==
              first->plain() + second->plain());
    CHECK(made == 2);  // each once
}

TEST_CASE("WebSocket message: a frame has its parts, compressed from a size on [CON-41]") {
    std::uint64_t made = 0;
    Message message{std::string(Message::kMinDeflated - 1, 'a')};
    const auto small = std::make_shared<const Message>(message);
    CHECK(bytes_of(OutgoingFrame(true, small, true, made)) ==
          std::string("\x81\x7E\0\xFF", 4) + std::string(255, 'a'));
    CHECK(made == 0);
    message.add(std::make_shared<MessagePart>(""));
    message.add(std::make_shared<MessagePart>("b"));
    const auto large = std::make_shared<const Message>(message);
    const std::string plain = std::string(255, 'a') + "b";
    CHECK(bytes_of(OutgoingFrame(false, large, false, made)) ==
          std::string("\x82\x7E\x01\0", 4) + plain);
    const std::string packed = bytes_of(OutgoingFrame(false, large, true, made));
    CHECK(made == 3);
    CHECK(packed.size() < 100);
    CHECK(static_cast<std::uint8_t>(packed[0]) == 0xC2);
    CHECK(static_cast<std::size_t>(packed[1]) == packed.size() - 2);
    CHECK(inflated(packed.substr(2)) == plain);
}

}  // namespace confab::websocket
