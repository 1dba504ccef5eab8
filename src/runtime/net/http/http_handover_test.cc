// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// An upgrade that is accepted by one loop and answered by another.
#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "runtime/net/http/http_server.h"
#include "runtime/net/net_testing.h"

namespace confab::net {

namespace {

constexpr std::string_view kUpgrade =
    "GET /rtc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

// "hello" in a binary frame with the mask 0 (RFC 6455 §5.2), and as the server writes it.
const std::string kHello("\x82\x85\0\0\0\0hello", 11);
constexpr std::string_view kHelloBack = "\x82\x05hello";

// Keeps a loop from doing anything until opened.
class Barrier {
  public:
    explicit Barrier(EventLoop& loop) {
        loop.post([wait = opened_.get_future()]() mutable { wait.get(); });
    }
    ~Barrier() { open(); }
    void open() {
        if (!std::exchange(is_open_, true)) opened_.set_value();
    }

  private:
    std::promise<void> opened_;
    bool is_open_ = false;
};

// Upgrades are moved to the loop `there`, and kept there; other requests are answered at once.
class Fixture {
  public:
    explicit Fixture(HttpServerOptions options = {}, EventLoop* target = nullptr) {
        if (target == nullptr) target = &there_.loop();
        home_.call([&] {
            server_ = std::make_unique<HttpServer>(
                home_.loop(), std::move(options),
                [this, target](const HttpRequest& request, HttpExchange exchange) {
                    if (!request.is_websocket_upgrade)
                        return exchange.respond(HttpResponse::text(200, "home"));
                    ++moved_;
                    exchange.move_to(*target,
                                     [this](HttpExchange moved) { take(std::move(moved)); });
                });
            port_ = server_->listen("127.0.0.1", 0).value().port;
        });
    }
    ~Fixture() {
        end_server();
        there_.call([&] {
            sockets_.clear();
            held_.clear();
        });
    }

    std::uint16_t port() const { return port_; }
    LoopThread& home() { return home_; }
    LoopThread& there() { return there_; }
    const HttpServerStats& stats() { return server_->stats(); }
    HttpServer& server() { return *server_; }
    void end_server() {
        home_.call([&] { server_.reset(); });
    }
    // Waits for the exchange and answers it.
    template <typename F>
    void answer(F f) {
        REQUIRE(there_.eventually([&] { return !held_.empty(); }));
        there_.call([&] {
            f(held_.back());
            held_.clear();
        });
    }
    void accept() {
        answer([&](HttpExchange& exchange) {
            auto socket = exchange.accept_websocket({{"X-Extra", "1"}});
            REQUIRE(socket);
            WebSocket* raw = socket.get();
            raw->set_handlers(
                [raw](bool text, std::string_view payload) {
                    raw->send(text, std::string(payload));
                },
                {});
            sockets_.push_back(std::move(socket));
        });
    }
    bool has_moved() {
        return home_.eventually([&] { return moved_ > 0; });
    }
    bool is_clear() {
        return home_.eventually([&] {
            return stats().connections_open == 0 && stats().websockets_open == 0 &&
                   stats().buffered_bytes == 0;
        });
    }
    // Only within there().call().
    std::vector<HttpExchange>& held() { return held_; }
    std::vector<std::unique_ptr<WebSocket>>& sockets() { return sockets_; }
    int gone() {
        return there_.call([&] { return gone_; });
    }
    void throw_there() { throws_ = true; }

  private:
    void take(HttpExchange exchange) {
        if (throws_) throw std::runtime_error("there");
        exchange.on_gone([this] { ++gone_; });
        held_.push_back(std::move(exchange));
    }

    LoopThread home_;
    LoopThread there_;
    std::unique_ptr<HttpServer> server_;
    std::uint16_t port_ = 0;
    int moved_ = 0;
    // Of the other loop.
    std::vector<HttpExchange> held_;
    std::vector<std::unique_ptr<WebSocket>> sockets_;
    int gone_ = 0;
    std::atomic<bool> throws_ = false;
};

}  // namespace

TEST_CASE("HttpExchange: an upgrade is answered by another loop, no byte is lost [CON-31]") {
    Fixture fixture;
    RawClient client(fixture.port());
    client.send(std::string(kUpgrade) + kHello);  // the frame comes with the request
    fixture.accept();
    const std::string head = client.read_until("\r\n\r\n");
    CHECK(head.starts_with("HTTP/1.1 101 "));
    CHECK(head.find("X-Extra: 1\r\n") != std::string::npos);
    CHECK(client.read_exactly(kHelloBack.size()) == kHelloBack);
    client.send(kHello);
    CHECK(client.read_exactly(kHelloBack.size()) == kHelloBack);
    CHECK(fixture.stats().websockets_open == 1);
    CHECK(fixture.stats().websockets == 1);
    CHECK(fixture.stats().responses.all() == std::map<int, std::uint64_t>{{101, 1}});
    CHECK(fixture.stats().connections == 1);
    client.close();
    CHECK(fixture.is_clear());
}

TEST_CASE("HttpExchange: a refusal comes from the other loop, then the connection ends [CON-31]") {
    Fixture fixture;
    RawClient client(fixture.port());
    client.send(kUpgrade);
    SUBCASE("with status and text") {
        fixture.answer([](HttpExchange& exchange) {
            exchange.respond(HttpResponse::text(404, "requested room does not exist"));
        });
        const std::string answer = client.read_to_end();
        CHECK(answer.starts_with("HTTP/1.1 404 "));
        CHECK(answer.find("Connection: close\r\n") != std::string::npos);
        CHECK(answer.ends_with("\r\n\r\nrequested room does not exist"));
        CHECK(fixture.stats().responses.all().at(404) == 1);
    }
    SUBCASE("dropped there") {
        fixture.answer([](HttpExchange&) {});
        CHECK(client.read_to_end().starts_with("HTTP/1.1 500 "));
    }
    CHECK(fixture.is_clear());
}

TEST_CASE("HttpExchange: what throws in the other loop is a 500 and no more [CON-02]") {
    Fixture fixture;
    fixture.throw_there();
    RawClient client(fixture.port());
    client.send(kUpgrade);
    CHECK(client.read_to_end().starts_with("HTTP/1.1 500 "));
    CHECK(fixture.stats().handler_failures == 1);
    CHECK(fixture.is_clear());
}

TEST_CASE("HttpExchange: who has moved counts for the limits of its server [IMM-15]") {
    HttpServerOptions options;
    options.max_connections = 1;
    Fixture fixture(options);
    RawClient client(fixture.port());
    client.send(kUpgrade);
    const auto refused = [&] { return RawClient(fixture.port()).read_to_end().empty(); };
    REQUIRE(fixture.there().eventually([&] { return fixture.held().size() == 1; }));
    CHECK(refused());
    fixture.accept();
    CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
    CHECK(refused());  // it is not idle for the server
    CHECK(fixture.stats().connections_refused == 2);
    CHECK(fixture.stats().connections_evicted == 0);
    client.close();
    CHECK(fixture.is_clear());
    fixture.there().call([&] { fixture.sockets().clear(); });
    std::string answer;  // the place in the table is given back by a message
    CHECK(fixture.there().eventually([&] {
        RawClient next(fixture.port());
        next.send(kGet);
        answer = next.read_to_end();
        return answer.ends_with("home");
    }));
}

TEST_CASE("HttpExchange: a client that leaves on the way is noticed at the other end [CON-31]") {
    Fixture fixture;
    Barrier barrier(fixture.there().loop());
    RawClient client(fixture.port());
    client.send(kUpgrade);
    REQUIRE(fixture.has_moved());
    client.close();
    barrier.open();
    CHECK(fixture.there().eventually([&] { return !fixture.held().empty(); }));
    CHECK(fixture.there().eventually([&] { return !fixture.held().back().is_open(); }));
    CHECK(fixture.gone() == 1);
    fixture.answer([](HttpExchange& exchange) { CHECK(exchange.accept_websocket({}) == nullptr); });
    CHECK(fixture.is_clear());
}

TEST_CASE("HttpExchange: a server that stops lets out the answers of other loops [CON-11]") {
    Fixture fixture;
    Barrier barrier(fixture.there().loop());
    RawClient client(fixture.port());
    client.send(kUpgrade);
    REQUIRE(fixture.has_moved());
    fixture.home().call([&] { fixture.server().shutdown(); });
    barrier.open();
    fixture.accept();
    CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
}

TEST_CASE("HttpExchange: a server that ends cuts who is on the way or waits elsewhere [CON-11]") {
    Fixture fixture;
    std::optional<Barrier> barrier;
    RawClient client(fixture.port());
    SUBCASE("on the way") {
        barrier.emplace(fixture.there().loop());
        client.send(kUpgrade);
        REQUIRE(fixture.has_moved());
        fixture.end_server();
        CHECK(client.read_to_end().empty());
        barrier->open();
        CHECK(fixture.there().call([&] { return fixture.held().empty(); }));
    }
    SUBCASE("waiting there") {
        client.send(kUpgrade);
        REQUIRE(fixture.there().eventually([&] { return !fixture.held().empty(); }));
        fixture.end_server();
        CHECK(client.read_to_end().empty());
        CHECK(fixture.there().eventually([&] { return !fixture.held().back().is_open(); }));
    }
    SUBCASE("not a WebSocket") {
        client.send(kUpgrade);
        fixture.accept();
        CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
        fixture.end_server();
        client.send(kHello);
        CHECK(client.read_exactly(kHelloBack.size()) == kHelloBack);
    }
}

TEST_CASE("HttpExchange: a loop that does not take it in time is answered for with 503") {
    EventLoop stopped;
    {
        HttpServerOptions options;
        options.handover_timeout = Duration::millis(60);
        Fixture fixture(options, &stopped);
        RawClient client(fixture.port());
        client.send(kUpgrade);
        CHECK(client.read_to_end().starts_with("HTTP/1.1 503 "));
        CHECK(fixture.stats().timeouts == 1);
        CHECK(fixture.is_clear());
        // What comes too late finds nothing to do.
        std::thread late([&] {
            stopped.stop();
            stopped.run();
        });
        late.join();
        CHECK(fixture.there().call([&] { return fixture.held().empty(); }));
    }
}

TEST_CASE("HttpExchange: only upgrades move, and within one loop nothing does") {
    LoopThread home;
    LoopThread other;
    std::unique_ptr<HttpServer> server;
    bool to_other = true;
    const std::uint16_t port = home.call([&] {
        server = std::make_unique<HttpServer>(
            home.loop(), HttpServerOptions{}, [&](const HttpRequest&, HttpExchange exchange) {
                exchange.move_to(to_other ? other.loop() : home.loop(), [](HttpExchange moved) {
                    moved.respond(HttpResponse::text(200, "moved"));
                });
            });
        return server->listen("127.0.0.1", 0).value().port;
    });
    const auto ask = [&] {
        RawClient client(port);
        client.send(kGet);
        return client.read_to_end();
    };
    CHECK(ask().starts_with("HTTP/1.1 500 "));
    home.call([&] { to_other = false; });
    CHECK(ask().ends_with("moved"));
    home.call([&] { server.reset(); });
}

}  // namespace confab::net
