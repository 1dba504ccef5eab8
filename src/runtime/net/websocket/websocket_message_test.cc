// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Messages of parts on connections, with control frames between them.
#include "runtime/net/websocket/websocket.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <doctest/doctest.h>

#include "runtime/net/websocket/websocket_testing.h"

namespace confab::net {
namespace {

constexpr std::string_view kOffer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

// Nothing in it repeats.
std::string noise(std::size_t size) {
    std::string out(size, '\0');
    std::uint32_t state = 1;
    for (char& c : out) {
        state = state * 1'664'525 + 1'013'904'223;
        c = static_cast<char>(state >> 24);
    }
    return out;
}

class Sender {
  public:
    explicit Sender(Fixture& fixture) : fixture_(fixture) {
        REQUIRE(fixture.thread().eventually([&] { return fixture.socket() != nullptr; }));
    }
    void send(const std::shared_ptr<const WebSocketMessage>& message) {
        fixture_.thread().call([&] { fixture_.socket()->send(false, message); });
    }

  private:
    Fixture& fixture_;
};

}  // namespace

TEST_CASE("WebSocket message: parts go to several connections, compressed once [CON-41] [IMM-15]") {
    Fixture one;
    Fixture other;
    Client first(one.port(), kOffer);
    Client second(one.port(), kOffer);
    REQUIRE(first.open());
    REQUIRE(second.open());
    WebSocketMessage message{std::string(400, 'h')};
    message.add(std::make_shared<WebSocketPart>(""));
    message.add(std::make_shared<WebSocketPart>(noise(70'000)));
    CHECK(message.size == 70'400);
    const auto shared = std::make_shared<const WebSocketMessage>(message);
    Sender sender(one);
    sender.send(shared);  // to `second`
    sender.send(shared);
    for (int i = 0; i < 2; ++i) {
        const Frame frame = second.read();
        CHECK(frame.fin);
        CHECK(frame.compressed);
        CHECK(inflate(frame.payload) == std::string(400, 'h') + noise(70'000));
    }
    CHECK(one.stats().websocket_deflated == 3);
    // Who has not agreed gets the same plain.
    Client plain(other.port());
    REQUIRE(plain.open());
    Sender(other).send(std::make_shared<const WebSocketMessage>(std::string(400, 'h')));
    const Frame frame = plain.read();
    CHECK_FALSE(frame.compressed);
    CHECK(frame.payload == std::string(400, 'h'));
}

TEST_CASE("WebSocket message: what fits into a segment anyway is not compressed") {
    Fixture fixture;
    Client client(fixture.port(), kOffer);
    REQUIRE(client.open());
    Sender sender(fixture);
    for (const std::size_t size :
         {WebSocketMessage::kMinDeflated - 1, WebSocketMessage::kMinDeflated}) {
        sender.send(std::make_shared<const WebSocketMessage>(std::string(size, 'x')));
        CHECK(client.read().compressed == (size == WebSocketMessage::kMinDeflated));
    }
}

TEST_CASE("WebSocket: who reads a small window only is sent nothing compressed [CON-41]") {
    Fixture fixture;
    Client client(fixture.port(),
                  "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n");
    CHECK(client.read_response().find("server_max_window_bits=10") != std::string::npos);
    Sender(fixture).send(std::make_shared<const WebSocketMessage>(std::string(5000, 'x')));
    const Frame frame = client.read();
    CHECK_FALSE(frame.compressed);
    CHECK(frame.payload == std::string(5000, 'x'));
}

TEST_CASE("WebSocket: a pong waits for the end of a long frame, and a close frame too [CON-43]") {
    WebSocketOptions options;
    options.max_queued_bytes = 64 * 1024 * 1024;
    options.write_timeout = Duration::seconds(60);  // 16 MiB by a window of 4 KiB
    Fixture fixture(options);
    Client client(fixture.port(), "", 4096);
    REQUIRE(client.open());
    // More than the kernel takes, so that the frame is under way when the ping comes.
    const std::string large = noise(16 * 1024 * 1024);
    Sender sender(fixture);
    sender.send(std::make_shared<const WebSocketMessage>(large));
    sender.send(std::make_shared<const WebSocketMessage>(std::string("next")));
    // The ping is read with the message before it, and handled next.
    client.raw().send(frame(kText, "before") + frame(kPing, "p"));
    REQUIRE(fixture.thread().eventually([&] { return !fixture.messages().empty(); }));
    CHECK(client.read().payload == large);
    const Frame pong = client.read();
    CHECK(pong.opcode == kPong);
    CHECK(pong.payload == "p");
    CHECK(client.read().payload == "next");
    CHECK(client.read().payload == "before");

    sender.send(std::make_shared<const WebSocketMessage>(large));
    client.send(kClose, "\x0F\xA1");
    CHECK(fixture.closed().code == 4001);
    CHECK(client.read().payload == large);
    CHECK(client.read_close() == 4001);
    CHECK(client.raw().read_to_end().empty());
}

}  // namespace confab::net
