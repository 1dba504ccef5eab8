// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An HTTP port with TLS, alone and shared with ICE and TURN.
#include <doctest/doctest.h>

#include <deque>
#include <future>
#include <optional>

#include "runtime/net/framed/framed_listener.h"
#include "runtime/net/http/http_server.h"
#include "runtime/net/tls/tls_testing.h"

namespace confab::net {
namespace {

constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: meet.test\r\n\r\n";
constexpr std::string_view kUpgrade =
    "GET /rtc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const std::string kHello("\x82\x85\0\0\0\0hello", 11);
const std::string kFrame(
    "\0\x14\0\x01\0\0\x21\x12\xa4\x42"
    "abcdefghijkl",
    22);
const std::string kAllocate(
    "\0\x03\0\0\x21\x12\xa4\x42"
    "abcdefghijkl",
    20);

// Answers requests with "tls", those without TLS with "plain"; upgrades go to another loop and are
// sent back what they send.
class Fixture {
  public:
    explicit Fixture(HttpServerOptions options = {}) {
        home_.call([&] {
            const auto say = [this](const char* text) {
                return [this, text](const HttpRequest& request, HttpExchange exchange) {
                    if (request.is_websocket_upgrade)
                        return exchange.move_to(
                            there_.loop(), [this](HttpExchange moved) { take(std::move(moved)); });
                    exchange.respond(HttpResponse::text(200, text));
                };
            };
            server_ = std::make_unique<HttpServer>(home_.loop(), std::move(options), say("tls"));
            server_->serve_tls(context_of({certificate}), say("plain"));
            port_ = server_->listen("127.0.0.1", 0).value().port;
        });
    }
    ~Fixture() {
        home_.call([&] {
            given_.clear();
            server_.reset();
        });
        there_.call([&] { sockets_.clear(); });
    }
    void share() {
        home_.call([&] {
            const auto keep = [this](AcceptedStream one) { given_.push_back(std::move(one)); };
            server_->share({keep, keep});
        });
    }
    std::optional<AcceptedStream> given() {
        if (!home_.eventually([&] { return !given_.empty(); })) return std::nullopt;
        return home_.call([&] {
            AcceptedStream one = std::move(given_.front());
            given_.pop_front();
            return std::optional<AcceptedStream>(std::move(one));
        });
    }
    std::uint16_t port() const { return port_; }
    LoopThread& home() { return home_; }
    LoopThread& there() { return there_; }
    HttpServer& server() { return *server_; }
    bool is_clear() {
        return home_.eventually([&] { return server_->stats().connections_open == 0; });
    }

    const crypto::ServerCertificate certificate = certificate_for({"meet.test"});

  private:
    void take(HttpExchange exchange) {
        auto socket = exchange.accept_websocket({});
        if (!socket) return;
        WebSocket* const raw = socket.get();
        raw->set_handlers(
            [raw](bool text, std::string_view payload) { raw->send(text, std::string(payload)); },
            {});
        sockets_.push_back(std::move(socket));
    }

    LoopThread home_;
    LoopThread there_;
    std::unique_ptr<HttpServer> server_;
    std::uint16_t port_ = 0;
    std::deque<AcceptedStream> given_;
    std::vector<std::unique_ptr<WebSocket>> sockets_;
};

std::string peek(int fd, std::size_t size) {
    std::string text(size, '\0');
    const ssize_t got = ::recv(fd, text.data(), text.size(), MSG_PEEK | MSG_DONTWAIT);
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
}

}  // namespace

TEST_CASE("HttpServer: requests one after the other over TLS, with a good certificate [CON-01]") {
    Fixture fixture;
    TlsClient client(fixture.port(), "meet.test", &fixture.certificate, "http/1.1");
    REQUIRE(client.shake_hands());
    CHECK(client.session().protocol() == kHttpProtocol);
    for (int i = 0; i < 3; ++i) {
        REQUIRE(client.send(kGet));
        CHECK(client.read_until("\r\n\r\ntls").ends_with("\r\n\r\ntls"));
    }
    // Those that offer something else, or nothing, are served all the same.
    TlsClient other(fixture.port(), "meet.test", &fixture.certificate, "spdy/3");
    REQUIRE(other.shake_hands());
    CHECK(other.session().protocol().empty());
    REQUIRE(other.send(kGet));
    CHECK(other.read_until("tls").ends_with("tls"));
}

TEST_CASE("HttpServer: a certificate for other hosts is refused by the client, and counted") {
    Fixture fixture;
    TlsClient client(fixture.port(), "other.test", &fixture.certificate);
    CHECK_FALSE(client.shake_hands());
    CHECK(client.session().refused_certificate() != "");
    client.raw().close();
    CHECK(
        fixture.home().eventually([&] { return fixture.server().stats().handshakes_failed == 1; }));
    CHECK(fixture.is_clear());
}

TEST_CASE("HttpServer: requests without TLS go to who answers those [CON-01]") {
    Fixture fixture;
    RawClient client(fixture.port());
    REQUIRE(client.send(kGet));
    CHECK(client.read_until("\r\n\r\nplain").ends_with("\r\n\r\nplain"));
    REQUIRE(client.send(kGet));
    CHECK(client.read_until("\r\n\r\nplain").ends_with("\r\n\r\nplain"));
}

TEST_CASE("HttpServer: other certificates are shown to the next, no connection ends [TURN-18]") {
    Fixture fixture;
    TlsClient before(fixture.port(), "meet.test", &fixture.certificate);
    REQUIRE(before.shake_hands());
    const auto renewed = certificate_for({"meet.test"});
    fixture.home().call([&] { fixture.server().set_certificates(context_of({renewed})); });
    TlsClient after(fixture.port(), "meet.test", &renewed);
    REQUIRE(after.shake_hands());
    TlsClient distrustful(fixture.port(), "meet.test", &fixture.certificate);
    CHECK_FALSE(distrustful.shake_hands());
    for (TlsClient* client : {&before, &after}) {
        REQUIRE(client->send(kGet));
        CHECK(client->read_until("tls").ends_with("tls"));
    }
}

TEST_CASE("HttpServer: of several certificates the one that names the host [TURN-18]") {
    Fixture fixture;
    const auto turn = certificate_for({"turn.test"});
    fixture.home().call(
        [&] { fixture.server().set_certificates(context_of({fixture.certificate, turn})); });
    for (const auto& [name, trusted] :
         {std::pair{"meet.test", &fixture.certificate}, std::pair{"TURN.test", &turn}})
        CHECK(TlsClient(fixture.port(), name, trusted).shake_hands());
    // A name that none has gets the first.
    TlsClient stranger(fixture.port(), "other.test");
    CHECK(stranger.shake_hands());
}

TEST_CASE("HttpServer: a challenge is answered by its certificate, to nobody else [TURN-18]") {
    Fixture fixture;
    const auto answer = certificate_for({"meet.test"});
    const auto context = TlsContext::make({{fixture.certificate}, {{"meet.test", answer}}}).value();
    fixture.home().call([&] { fixture.server().set_certificates(context); });
    TlsClient authority(fixture.port(), "meet.test", &answer, "acme-tls/1");
    REQUIRE(authority.shake_hands());
    CHECK(authority.session().protocol() == kAcmeTlsProtocol);
    CHECK(authority.ends());
    TlsClient elsewhere(fixture.port(), "other.test", nullptr, "acme-tls/1");
    CHECK_FALSE(elsewhere.shake_hands());
    TlsClient client(fixture.port(), "meet.test", &fixture.certificate);
    CHECK(client.shake_hands());
    fixture.home().call(
        [&] { fixture.server().set_certificates(context_of({fixture.certificate})); });
    TlsClient late(fixture.port(), "meet.test", nullptr, "acme-tls/1");
    CHECK_FALSE(late.shake_hands());
}

TEST_CASE("HttpServer: an upgrade over TLS goes on in another loop [CON-31] [CON-46]") {
    Fixture fixture;
    TlsClient client(fixture.port(), "meet.test", &fixture.certificate, "http/1.1");
    REQUIRE(client.shake_hands());
    // What comes right behind the request, even in one record with it, goes along.
    REQUIRE(client.send(std::string(kUpgrade) + kHello));
    CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
    CHECK(client.read_until("hello") == "\x82\x05hello");
    std::string large("\x82\xfe\xff\xff\0\0\0\0", 8);
    large.append(65'535, 'x');
    for (int i = 0; i < 5; ++i) {
        for (std::string_view rest = large; !rest.empty();) {
            const TlsResult sent = client.session().write(as_bytes(rest));
            REQUIRE(sent.state == TlsResult::State::kDone);
            rest.remove_prefix(sent.size);
        }
        REQUIRE(client.send(kHello));
        CHECK(client.read_until("\x82\x05hello").size() == 4 + 65'535 + 7);
    }
}

TEST_CASE("HttpServer: ICE over TCP is given on with what it sent [ICE-08]") {
    Fixture fixture;
    fixture.share();
    RawClient client(fixture.port());
    // However it comes.
    for (const char octet : kFrame) {
        REQUIRE(client.send({&octet, 1}));
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    auto given = fixture.given();
    REQUIRE(given);
    CHECK(given->local == SocketAddress{IpAddress::v4(0x7F00'0001), fixture.port()});
    CHECK(given->remote.ip == given->local.ip);
    CHECK(given->stream.take_tls() == nullptr);
    // What came before it was told, and what has come since.
    CHECK(fixture.home().eventually([&] { return peek(given->stream.fd(), 100) == kFrame; }));
    CHECK(fixture.server().stats().connections_shared == 1);
    CHECK(fixture.is_clear());
}

TEST_CASE("HttpServer: TURN within TLS is given on and served elsewhere [TURN-18]") {
    Fixture fixture;
    fixture.share();
    for (const std::string protocol : {"", "stun.turn"}) {
        TlsClient client(fixture.port(), "meet.test", &fixture.certificate, protocol);
        REQUIRE(client.shake_hands());
        REQUIRE(client.send(kAllocate));
        auto given = fixture.given();
        REQUIRE(given);
        std::unique_ptr<FramedListener> listener;
        std::string received;
        fixture.there().call([&] {
            FramedListener::Handlers handlers;
            handlers.next_message = [](BytesView stream, bool) {
                return stream.size() < kAllocate.size()
                           ? FramedMessage{}
                           : FramedMessage{FramedMessage::State::kWhole, kAllocate.size()};
            };
            handlers.message = [&](const FramedClient& from, BytesView message) {
                received += as_text(message);
                CHECK(from.remote.ip == IpAddress::v4(0x7F00'0001));
                listener->send(from.stream, as_bytes("answer"));
            };
            handlers.closed = [](const FramedClient&) {};
            handlers.is_known = [](const FramedClient&) { return true; };
            listener = std::make_unique<FramedListener>(fixture.there().loop(),
                                                        FramedListenerOptions{}, handlers);
            listener->adopt(std::move(*given));
        });
        CHECK(client.read_until("answer") == "answer");
        REQUIRE(client.send(kAllocate));
        CHECK(client.read_until("answer") == "answer");
        fixture.there().call([&] {
            CHECK(received == kAllocate + kAllocate);
            CHECK(listener->counters().failed_handshakes == 0);
            listener.reset();
        });
        CHECK(client.ends());
    }
}

TEST_CASE("HttpServer: where a port is not shared, ICE and TURN are closed [ICE-08] [TURN-18]") {
    Fixture fixture;
    RawClient ice(fixture.port());
    REQUIRE(ice.send(kFrame));
    CHECK(ice.read_to_end().empty());
    fixture.share();
    // Requests of a client that speaks HTTP stay here.
    TlsClient http(fixture.port(), "meet.test", &fixture.certificate);
    REQUIRE(http.shake_hands());
    REQUIRE(http.send(kGet));
    CHECK(http.read_until("tls").ends_with("tls"));
    CHECK(fixture.server().stats().connections_shared == 0);
}

TEST_CASE("HttpServer: junk, silence and an early end close a port with TLS [IMM-15]") {
    HttpServerOptions options;
    options.header_timeout = Duration::millis(200);
    Fixture fixture(std::move(options));
    fixture.share();
    RawClient junk(fixture.port());
    REQUIRE(junk.send("\x80\xff\xff"));
    CHECK(junk.read_to_end().empty());
    RawClient half(fixture.port());
    REQUIRE(half.send("\x16"));
    half.shutdown_send();
    CHECK(half.read_to_end().empty());
    for (const std::string_view begin : {"", "\x16", "\x16\x03\x01"}) {
        RawClient silent(fixture.port());
        REQUIRE(silent.send(begin));
        CHECK(silent.read_to_end().empty());
    }
    TlsClient quiet(fixture.port(), "meet.test", &fixture.certificate);
    REQUIRE(quiet.shake_hands());
    CHECK(quiet.ends());
    CHECK(fixture.is_clear());
}

}  // namespace confab::net
