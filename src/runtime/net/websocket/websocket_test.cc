// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/websocket/websocket.h"

// clang-format off: it sets the macros of every Boost header after it.
#include "runtime/net/asio.h"
// clang-format on

#include <doctest/doctest.h>

#include "runtime/net/websocket/websocket_testing.h"

namespace confab::net {

namespace {

constexpr std::string_view kOfferDeflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

// DEFLATE of `runs` × 258 + 1 zero bytes in one block of fixed codes (RFC 1951 §3.2.6): a literal,
// then copies of 258 bytes from distance 1, and the empty block that senders cut off.
std::string deflated_zeros(std::size_t runs) {
    std::string out;
    int used = 0;
    unsigned current = 0;
    const auto put = [&](unsigned code, int bits) {  // Huffman codes go in from their first bit
        for (int i = bits - 1; i >= 0; --i) {
            current |= ((code >> i) & 1U) << used;
            if (++used < 8) continue;
            out += static_cast<char>(current);
            current = 0;
            used = 0;
        }
    };
    put(0b010, 3);       // not final, fixed codes
    put(0b00110000, 8);  // literal 0
    for (std::size_t i = 0; i < runs; ++i) {
        put(0b11000101, 8);  // length 258
        put(0, 5);           // distance 1
    }
    put(0, 7);  // end of block
    put(0, 3);  // an empty stored block; its length would follow on the byte boundary
    if (used > 0) out += static_cast<char>(current);
    return out;
}

}  // namespace

TEST_CASE("WebSocket: any origin may upgrade; binary and text messages pass [CON-41] [CON-42]") {
    Fixture fixture;
    Client client(fixture.port());
    const std::string response = client.read_response();
    CHECK(response.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    CHECK(response.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") != std::string::npos);
    CHECK(response.find("X-Extra: 1\r\n") != std::string::npos);
    client.send(kText, "héllo");
    Frame frame_in = client.read();
    CHECK(frame_in.opcode == kText);
    CHECK(frame_in.payload == "héllo");
    client.send(kBinary, std::string_view("\0\xFF", 2));
    frame_in = client.read();
    CHECK(frame_in.opcode == kBinary);
    CHECK(frame_in.payload == std::string_view("\0\xFF", 2));
    client.send(kBinary, "");
    CHECK(client.read().payload.empty());
    const std::string large(300'000, 'x');
    client.send(kBinary, large);
    CHECK(client.read().payload == large);
    CHECK(fixture.stats().websockets_open == 1);
}

TEST_CASE("WebSocket: fragments are joined, frames right behind the request are not lost") {
    Fixture fixture;
    RawClient raw(fixture.port());
    std::string all =
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    all += frame(kText, "ab", false, false) + frame(kPing, "p") + frame(kContinuation, "c");
    raw.send(all);
    raw.read_until("\r\n\r\n");
    const std::string rest = raw.read_exactly(3 + 5);
    CHECK(rest.find("\x8A\x01p") != std::string::npos);
    CHECK(rest.find("\x81\x03"
                    "abc") != std::string::npos);
}

TEST_CASE("WebSocket: permessage-deflate in both directions [CON-41]") {
    Fixture fixture;
    Client client(fixture.port(), kOfferDeflate);
    const std::string response = client.read_response();
    CHECK(response.find("Sec-WebSocket-Extensions: permessage-deflate") != std::string::npos);
    CHECK(response.find("server_no_context_takeover") != std::string::npos);
    for (int i = 0; i < 2; ++i) {
        client.raw().send(frame(kBinary, deflated_zeros(400), true));
        std::string packed;
        Frame part = client.read();
        CHECK(part.compressed);
        CHECK(part.opcode == kBinary);
        packed += part.payload;
        while (!part.fin && part.opcode >= 0) {
            part = client.read();
            packed += part.payload;
        }
        CHECK(packed.size() < 2000);
        CHECK(inflate(packed) == std::string(400 * 258 + 1, '\0'));
    }
}

TEST_CASE("WebSocket: compressed text, in fragments with a ping between them [CON-41] [CON-42]") {
    Fixture fixture;
    Client client(fixture.port(), kOfferDeflate);
    REQUIRE(client.open());
    const std::string packed = deflated("{\"a\":1}");
    client.raw().send(frame(kText, packed.substr(0, 4), true, false) + frame(kPing, "p") +
                      frame(kContinuation, packed.substr(4)) + frame(kText, "plain") +
                      frame(kBinary, deflated(std::string(100'000, 'x')), true));
    std::vector<std::string> texts;
    for (int pongs = 0; texts.size() + static_cast<std::size_t>(pongs) < 3;) {
        const Frame got = client.read();
        REQUIRE(got.opcode >= 0);
        if (got.opcode == kPong)
            ++pongs;
        else if (got.opcode == kText)
            texts.push_back(got.payload);
    }
    CHECK(texts == std::vector<std::string>{"{\"a\":1}", "plain"});
    const Frame large = client.read();
    CHECK(large.opcode == kBinary);
    CHECK(inflate(large.payload) == std::string(100'000, 'x'));
}

TEST_CASE("WebSocket: a compressed message may inflate to the limit [CON-41] [IMM-13]") {
    WebSocketOptions options;
    options.max_message_bytes = 100'000;
    for (const std::size_t size : {99'999U, 100'000U, 100'001U}) {
        Fixture fixture(options);
        Client client(fixture.port(), kOfferDeflate);
        REQUIRE(client.open());
        client.raw().send(frame(kBinary, deflated(std::string(size, 'x')), true));
        if (size <= 100'000) {
            CHECK(inflate(client.read().payload).size() == size);
        } else {
            CHECK(client.read().payload == "leave");
            CHECK(client.read_close() == 1000);
        }
    }
}

TEST_CASE("WebSocket: compressed messages that are broken or no text end with 1007 [CON-41]") {
    for (const std::string& bad :
         {frame(kBinary, "\xFF\xFF\xFF\xFF", true), frame(kText, deflated("a\xFF"), true)}) {
        Fixture fixture;
        Client client(fixture.port(), kOfferDeflate);
        REQUIRE(client.open());
        client.raw().send(bad);
        CHECK(client.read_close() == 1007);
        CHECK(fixture.closed().by == WebSocketEnd::kError);
        CHECK(fixture.thread().call([&] { return fixture.messages().size(); }) == 0);
    }
}

TEST_CASE("WebSocket: who has not offered compression may not send it") {
    Fixture fixture;
    Client client(fixture.port());
    CHECK(client.read_response().find("Extensions") == std::string::npos);
    client.raw().send(frame(kBinary, deflated("hello"), true));
    CHECK(client.read_close() == 1002);
}

TEST_CASE("WebSocket: a message beyond the limit on the wire ends with 1009 [CON-41] [CON-45]") {
    WebSocketOptions options;
    options.max_message_bytes = 100'000;
    Fixture fixture(options);
    Client client(fixture.port());
    REQUIRE(client.open());
    client.send(kBinary, std::string(100'000, 'a'));
    CHECK(client.read().payload.size() == 100'000);
    client.send(kBinary, std::string(100'001, 'a'));
    CHECK(client.read().payload == "leave");
    CHECK(client.read_close() == 1009);
    CHECK(fixture.closed().by == WebSocketEnd::kTooBig);
    CHECK(fixture.closed().code == 1009);
    CHECK(fixture.stats().websocket_oversize == 1);
    CHECK(fixture.thread().call([&] { return fixture.messages().size(); }) == 1);
}

TEST_CASE("WebSocket: fragments that never end are cut at the limit too [CON-41] [IMM-13]") {
    WebSocketOptions options;
    options.max_message_bytes = 10'000;
    Fixture fixture(options);
    Client client(fixture.port());
    REQUIRE(client.open());
    client.raw().send(frame(kBinary, std::string(1000, 'a'), false, false));
    for (int i = 0; i < 10; ++i)
        client.raw().send(frame(kContinuation, std::string(1000, 'a'), false, false));
    CHECK(client.read().payload == "leave");
    CHECK(client.read_close() == 1009);
}

TEST_CASE(
    "WebSocket: a small message that inflates beyond the limit ends with 1000 [CON-41] [IMM-13]") {
    Fixture fixture;
    Client client(fixture.port(), kOfferDeflate);
    REQUIRE(client.open());
    const std::string bomb = deflated_zeros(1'000'000);  // 258 MB in 1.6 MB
    CHECK(bomb.size() < 2 * 1024 * 1024);
    client.raw().send(frame(kBinary, bomb, true));
    CHECK(client.read().payload == "leave");
    CHECK(client.read_close() == 1000);
    CHECK(fixture.closed().code == 1000);
}

TEST_CASE("WebSocket: no limits when they are 0 [CON-41]") {
    WebSocketOptions options;
    options.max_message_bytes = 0;
    Fixture fixture(options);
    Client client(fixture.port());
    REQUIRE(client.open());
    client.send(kBinary, std::string(3 * 1024 * 1024, 'a'));
    CHECK(client.read().payload.size() == 3 * 1024 * 1024);
}

TEST_CASE("WebSocket: a client that never reads is cut when its queue is full [IMM-15]") {
    WebSocketOptions options;
    options.max_queued_bytes = 1024 * 1024;
    Fixture fixture(options);
    Client client(fixture.port(), "", 4096);
    REQUIRE(fixture.thread().eventually([&] { return fixture.socket() != nullptr; }));
    std::size_t most = 0;
    bool accepted = true;
    for (int i = 0; i < 1000 && accepted; ++i)
        fixture.thread().call([&] {
            accepted = fixture.socket()->send(false, std::string(64 * 1024, 'x'));
            most = std::max(most, fixture.socket()->queued_bytes());
        });
    CHECK_FALSE(accepted);
    CHECK(most <= options.max_queued_bytes);
    CHECK(fixture.closed().by == WebSocketEnd::kOverflow);
    CHECK(fixture.stats().websocket_queue_overflows == 1);
    CHECK(fixture.stats().websockets_open == 0);
}

TEST_CASE("WebSocket: when all together have too much queued, who does not read is cut [IMM-15]") {
    WebSocketOptions options;
    options.max_total_queued_bytes = 8 * 1024 * 1024;
    options.max_queued_bytes = 512 * 1024 * 1024;
    options.write_timeout = Duration::seconds(3600);
    options.crowded_write_timeout = Duration::millis(50);
    Fixture fixture(options);
    Client client(fixture.port(), "", 4096);
    REQUIRE(fixture.thread().eventually([&] { return fixture.socket() != nullptr; }));
    const auto send = [&] { return fixture.socket()->send(false, std::string(1024 * 1024, 'x')); };
    for (int i = 0; i < 7; ++i)  // below the limit nobody is cut, however slow
        CHECK(fixture.thread().call(send));
    CHECK(fixture.thread().eventually([&] { return !send(); }));
    CHECK(fixture.closed().by == WebSocketEnd::kOverflow);
    CHECK(fixture.stats().websocket_queued_bytes == 0);
}

TEST_CASE("WebSocket: who reads is not cut because of others [IMM-15]") {
    WebSocketOptions options;
    options.max_total_queued_bytes = 1000;
    Fixture fixture(options);
    Client client(fixture.port());
    REQUIRE(client.open());
    for (int i = 0; i < 3; ++i) {
        fixture.thread().call([&] { fixture.socket()->send(false, std::string(50'000, 'x')); });
        fixture.thread().call([&] { fixture.socket()->send(false, std::string(50'000, 'y')); });
        CHECK(client.read().payload.size() == 50'000);
        CHECK(client.read().payload.size() == 50'000);
    }
}

TEST_CASE("WebSocket: a write that takes too long cuts the connection [CON-44] [IMM-15]") {
    WebSocketOptions options;
    options.max_queued_bytes = 64 * 1024 * 1024;
    options.write_timeout = Duration::millis(100);
    Fixture fixture(options);
    Client client(fixture.port(), "", 4096);
    REQUIRE(fixture.thread().eventually([&] { return fixture.socket() != nullptr; }));
    fixture.thread().call(
        [&] { fixture.socket()->send(false, std::string(32 * 1024 * 1024, 'x')); });
    CHECK(fixture.closed().by == WebSocketEnd::kWriteTimeout);
    CHECK(fixture.stats().websocket_write_timeouts == 1);
}

TEST_CASE(
    "WebSocket: a client that is held up is not read, loses nothing and can be closed [IMM-15]") {
    Fixture fixture;
    Client client(fixture.port());
    REQUIRE(client.open());
    const auto hold = [&](Timestamp until) {
        fixture.thread().call([&] { fixture.socket()->hold_reading(until); });
    };
    client.send(kText, "a");
    CHECK(client.read().payload == "a");
    const Timestamp until = EventLoop::now() + Duration::millis(150);
    hold(until);
    client.send(kText, "read already");  // at most the read that was under way
    client.send(kText, "b");
    client.send(kText, "c");
    CHECK(client.read().payload == "read already");
    CHECK(client.read().payload == "b");
    CHECK(EventLoop::now() >= until);
    CHECK(client.read().payload == "c");

    hold(Timestamp::never());
    client.send(kText, "d");
    client.send(kText, "e");
    CHECK(client.read().payload == "d");
    hold(EventLoop::now());  // given free again
    CHECK(client.read().payload == "e");

    hold(Timestamp::never());
    fixture.thread().call([&] { fixture.socket()->close(1000); });
    CHECK(client.read().opcode == kClose);
}

TEST_CASE("WebSocket: more frames at once than a turn takes are all read, in order [IMM-15]") {
    Fixture fixture;
    Client client(fixture.port());
    REQUIRE(client.open());
    // Nothing is answered before the last, so that no write makes the connection go on.
    std::string all;
    for (int i = 0; i < 500; ++i)
        all += frame(kText, "quiet");
    client.raw().send(all + frame(kText, "last"));
    CHECK(client.read().payload == "last");
    CHECK(fixture.thread().call([&] { return fixture.messages().size(); }) == 501);
}

TEST_CASE("WebSocket: pings go out at their interval, without a read deadline [CON-43]") {
    WebSocketOptions options;
    options.ping_interval = Duration::millis(30);
    Fixture fixture(options);
    Client client(fixture.port());
    REQUIRE(client.open());
    for (int i = 0; i < 3; ++i)
        CHECK(client.read().opcode == kPing);
    CHECK(fixture.thread().call([&] { return fixture.socket()->is_open(); }));
}

TEST_CASE("WebSocket: the upgrade may come later than the request [CON-31]") {
    Fixture fixture({}, false);
    Client client(fixture.port());
    REQUIRE(fixture.thread().eventually([&] { return fixture.exchange().has_value(); }));
    CHECK(fixture.is_upgrade());
    fixture.thread().call([&] {
        fixture.upgrade();
        fixture.socket()->send(false, "join");  // waits for the handshake
    });
    CHECK(client.open());
    CHECK(client.read().payload == "join");
    client.send(kText, "x");
    CHECK(client.read().payload == "x");
}

TEST_CASE("WebSocket: or an HTTP error instead of it, and the connection goes on [CON-31]") {
    Fixture fixture({}, false);
    Client client(fixture.port());
    REQUIRE(fixture.thread().eventually([&] { return fixture.exchange().has_value(); }));
    fixture.thread().call([&] { fixture.exchange()->respond(HttpResponse::text(404, "no")); });
    CHECK(client.read_response().starts_with("HTTP/1.1 404 Not Found\r\n"));
    CHECK(client.raw().read_exactly(2) == "no");
}

TEST_CASE("WebSocket: the client leaves before the upgrade is decided [CON-31]") {
    Fixture fixture({}, false);
    bool gone = false;
    {
        Client client(fixture.port());
        REQUIRE(fixture.thread().eventually([&] { return fixture.exchange().has_value(); }));
        fixture.thread().call([&] { fixture.exchange()->on_gone([&gone] { gone = true; }); });
    }
    CHECK(fixture.thread().eventually([&] { return gone; }));
    CHECK(
        fixture.thread().call([&] { return fixture.exchange()->accept_websocket({}) == nullptr; }));
}

TEST_CASE("WebSocket: close writes what is queued, then its code [CON-44]") {
    Fixture fixture;
    Client client(fixture.port());
    REQUIRE(client.open());
    fixture.thread().call([&] {
        for (int i = 0; i < 3; ++i)
            fixture.socket()->send(false, std::to_string(i));
        fixture.socket()->close(1000, Duration::millis(250));
        CHECK_FALSE(fixture.socket()->send(false, "late"));
        CHECK_FALSE(fixture.socket()->is_open());
    });
    for (int i = 0; i < 3; ++i)
        CHECK(client.read().payload == std::to_string(i));
    CHECK(client.read_close() == 1000);
    client.send(kClose, "\x03\xE8");
    CHECK(client.read().opcode == -1);
    CHECK(fixture.closed().by == WebSocketEnd::kUs);
    CHECK(fixture.closed().code == 1000);
}

TEST_CASE("WebSocket: close cuts a peer that reads nothing after the grace [CON-45]") {
    Fixture fixture;
    Client client(fixture.port(), "", 4096);
    REQUIRE(client.open());
    const Timestamp before = EventLoop::now();
    fixture.thread().call([&] {
        fixture.socket()->send(false, std::string(8 * 1024 * 1024, 'x'));
        fixture.socket()->close(1000, Duration::millis(100));
    });
    CHECK(fixture.closed().by == WebSocketEnd::kUs);
    CHECK(EventLoop::now() - before < Duration::seconds(2));
}

TEST_CASE("WebSocket: the peer's close is reported with its code and answered") {
    Fixture fixture;
    Client client(fixture.port());
    REQUIRE(client.open());
    client.send(kClose, "\x0F\xA1");  // 4001
    CHECK(client.read_close() == 4001);
    CHECK(fixture.closed().by == WebSocketEnd::kPeer);
    CHECK(fixture.closed().code == 4001);
}

TEST_CASE("WebSocket: a lost connection and broken frames end as errors") {
    const auto why = [](std::string_view bytes) {
        Fixture fixture;
        Client client(fixture.port());
        REQUIRE(client.open());
        client.raw().send(bytes);
        client.raw().close();
        const WebSocketClosed closed = fixture.closed();
        CHECK(fixture.stats().websockets_open == 0);
        return closed.by;
    };
    CHECK(why("") == WebSocketEnd::kError);
    CHECK(why("\x82\x05") == WebSocketEnd::kError);
    CHECK(why(frame(kText, "\xC3\x28")) == WebSocketEnd::kError);     // not UTF-8
    CHECK(why(std::string("\x82\x01x", 3)) == WebSocketEnd::kError);  // not masked
    CHECK(why(frame(kBinary, "x", true)) == WebSocketEnd::kError);    // RSV1 not negotiated
    CHECK(why(frame(kContinuation, "x")) == WebSocketEnd::kError);    // nothing to continue
}

TEST_CASE("WebSocket: the handle may be destroyed inside its own handler") {
    Fixture fixture;
    Client client(fixture.port());
    REQUIRE(client.open());
    client.send(kText, "destroy");
    CHECK(client.read_close() == 1000);
    CHECK(fixture.thread().call([&] { return fixture.socket() == nullptr; }));
}

TEST_CASE("WebSocket: a bad handshake is answered with 400") {
    Fixture fixture;
    RawClient raw(fixture.port());
    raw.send(
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n");
    CHECK(raw.read_to_end().starts_with("HTTP/1.1 400 Bad Request\r\n"));
    CHECK(fixture.closed().by == WebSocketEnd::kError);
}

TEST_CASE("WebSocket: very long headers beside the handshake do no harm [CON-01]") {
    Fixture fixture;
    Client client(fixture.port(), "Cookie: " + std::string(200'000, 'c') + "\r\n" +
                                      "Sec-WebSocket-Extensions: " + std::string(100'000, 'e') +
                                      "\r\n");
    CHECK(client.open());
    client.send(kText, "x");
    CHECK(client.read().payload == "x");
}

TEST_CASE("WebSocket: a handler that throws ends its own connection only [CON-02]") {
    Fixture fixture;
    Client client(fixture.port());
    REQUIRE(client.open());
    client.send(kText, "throw");
    CHECK(client.read_close() == 1011);
    Client other(fixture.port());
    CHECK(other.open());
    CHECK(fixture.stats().handler_failures == 1);
    CHECK(fixture.loop_failures() == 1);  // so that an operator hears of it
}

TEST_CASE(
    "WebSocket: a handler of the end that throws does not keep the end from going on [CON-02]") {
    Fixture fixture;
    fixture.closed_throws = true;
    Client client(fixture.port());
    REQUIRE(client.open());
    client.send(kContinuation, "x");
    CHECK(client.read_close() == 1002);
    CHECK(client.raw().read_to_end().empty());
    CHECK(fixture.closed().by == WebSocketEnd::kError);
    CHECK(fixture.loop_failures() == 1);
}

TEST_CASE("WebSocket: lives on when its server is gone, ends with its loop") {
    Fixture fixture;
    Client client(fixture.port());
    REQUIRE(client.open());
    fixture.thread().call([&] { fixture.server().shutdown(); });
    client.send(kText, "still");
    CHECK(client.read().payload == "still");
}

}  // namespace confab::net
