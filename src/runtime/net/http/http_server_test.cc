// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_server.h"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "runtime/net/http/http_connection.h"
#include "runtime/net/net_testing.h"

namespace confab::net {

namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

class Fixture {
  public:
    explicit Fixture(HttpServerOptions options = {}, HttpServer::Handler handler = nullptr) {
        thread_.call([&] {
            if (!handler)
                handler = [this](HttpRequest request, HttpExchange exchange) {
                    echo(std::move(request), std::move(exchange));
                };
            server_ = std::make_unique<HttpServer>(thread_.loop(), std::move(options),
                                                   std::move(handler));
            port_ = server_->listen("127.0.0.1", 0).value().port;
        });
    }
    ~Fixture() {
        thread_.call([&] {
            held_.clear();
            server_.reset();
        });
    }

    std::uint16_t port() const { return port_; }
    LoopThread& thread() { return thread_; }
    HttpServer& server() { return *server_; }
    HttpServerStats stats() {
        return thread_.call([&] { return server_->stats(); });
    }
    std::uint64_t loop_failures() {
        return thread_.call([&] { return thread_.loop().failures(); });
    }
    std::vector<HttpExchange>& held() { return held_; }
    std::vector<HttpRequest> requests() {
        return thread_.call([&] { return requests_; });
    }

  private:
    void echo(HttpRequest request, HttpExchange exchange) {
        requests_.push_back(request);
        if (request.path == "/throw") throw std::runtime_error("handler");
        if (request.path == "/hold") {
            held_.push_back(std::move(exchange));
        } else if (request.path != "/drop") {
            exchange.respond(
                HttpResponse::text(200, request.path + "|" + request.query + "|" + request.body));
        }
    }

    LoopThread thread_;
    std::unique_ptr<HttpServer> server_;
    std::uint16_t port_ = 0;
    std::vector<HttpExchange> held_;
    std::vector<HttpRequest> requests_;
};

std::string body_of(const std::string& response) {
    const std::size_t at = response.find("\r\n\r\n");
    return at == std::string::npos ? "" : response.substr(at + 4);
}
std::string status_of(const std::string& response) {
    return response.substr(0, response.find('\r'));
}

std::string ask(std::uint16_t port, std::string_view request) {
    RawClient client(port);
    client.send(request);
    return client.read_to_end();
}

}  // namespace

TEST_CASE("HttpServer: a request arrives whole and its answer goes out [CON-01]") {
    Fixture fixture;
    RawClient client(fixture.port());
    client.send(
        "POST /a%20b?x=1&y HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nx-one: 2\r\n"
        "Content-Length: 5\r\nConnection: close\r\n\r\nhello");
    const std::string response = client.read_to_end();
    CHECK(status_of(response) == "HTTP/1.1 200 OK");
    CHECK(body_of(response) == "/a%20b|x=1&y|hello");
    CHECK(response.find("Content-Length: 18\r\n") != std::string::npos);
    CHECK(response.find("Connection: close\r\n") != std::string::npos);
    CHECK(response.find("Date: ") != std::string::npos);
    const HttpRequest request = fixture.requests().at(0);
    CHECK(request.method == "POST");
    CHECK(request.headers.get("X-ONE") == "1");
    CHECK(request.remote.ip.to_string() == "127.0.0.1");
    CHECK(request.remote.port != 0);
    CHECK_FALSE(request.is_websocket_upgrade);
}

TEST_CASE("HttpServer: pipelined requests are answered in order on one connection") {
    Fixture fixture;
    RawClient client(fixture.port());
    client.send(
        "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(client.read_until("/1||").ends_with("/1||"));
    CHECK(fixture.thread().eventually([&] { return fixture.held().size() == 1; }));
    fixture.thread().call([&] { fixture.held()[0].respond(HttpResponse::text(202, "held")); });
    const std::string rest = client.read_to_end();
    const std::size_t held = rest.find("held");
    REQUIRE(held != std::string::npos);
    CHECK(rest.find("/3||", held) != std::string::npos);
    CHECK(fixture.stats().connections == 1);
}

TEST_CASE("HttpServer: reads no more than a little ahead while a request is answered [IMM-15]") {
    Fixture fixture;
    RawClient client(fixture.port());
    const std::string body(128 * 1024, 'b');
    REQUIRE(
        client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n"
                    "POST /next HTTP/1.1\r\nHost: x\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body));
    CHECK(fixture.thread().eventually(
        [&] { return fixture.server().stats().buffered_bytes >= 64 * 1024; }));
    // More of it waits in the socket; these are turns of the loop that could read it.
    for (int turn = 0; turn < 50; ++turn)
        CHECK(fixture.stats().buffered_bytes < 96 * 1024);
    fixture.thread().call([&] { fixture.held()[0].respond(HttpResponse::text(202, "held")); });
    CHECK(client.read_until("/next||").ends_with("/next||"));
}

TEST_CASE("HttpServer: HEAD gets the length without the body, 204 neither") {
    Fixture fixture({}, [](HttpRequest request, HttpExchange exchange) {
        HttpResponse response = HttpResponse::text(request.path == "/none" ? 204 : 200, "12345");
        exchange.respond(std::move(response));
    });
    const std::string head =
        ask(fixture.port(), "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(head.find("Content-Length: 5\r\n") != std::string::npos);
    CHECK(body_of(head).empty());
    const std::string none =
        ask(fixture.port(), "GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(none.find("Content-Length") == std::string::npos);
    CHECK(body_of(none).empty());
}

TEST_CASE("HttpServer: HTTP/1.0 closes unless asked to stay") {
    Fixture fixture;
    const std::string once = ask(fixture.port(), "GET / HTTP/1.0\r\n\r\n");
    CHECK(status_of(once) == "HTTP/1.0 200 OK");
    RawClient client(fixture.port());
    client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(client.read_until("/a||").find("Connection: keep-alive") != std::string::npos);
    client.send("GET /b HTTP/1.0\r\n\r\n");
    CHECK(client.read_to_end().ends_with("/b||"));
}

TEST_CASE("HttpServer: a header beyond the limit is 431 [CON-01]") {
    HttpServerOptions options;
    SUBCASE("bytes, at the real limit") {
        Fixture fixture(options);
        const std::string response =
            ask(fixture.port(),
                "GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(1024 * 1024, 'a') + "\r\n\r\n");
        CHECK(status_of(response) == "HTTP/1.1 431 Request Header Fields Too Large");
        CHECK(body_of(response) == "431 Request Header Fields Too Large");
    }
    SUBCASE("count") {
        options.max_header_count = 10;
        Fixture fixture(options);
        std::string request = "GET / HTTP/1.1\r\nHost: x\r\n";
        for (int i = 0; i < 10; ++i)
            request += "a: b\r\n";
        CHECK(status_of(ask(fixture.port(), request + "\r\n")) ==
              "HTTP/1.1 431 Request Header Fields Too Large");
    }
}

TEST_CASE("HttpServer: a body beyond the limit is 413, with the headers of the caller [CON-05]") {
    HttpServerOptions options;
    options.max_body_bytes = 100;
    options.decorate_refusal = [](const HttpRequest& request, HttpResponse& response) {
        response.headers.add("Access-Control-Allow-Origin",
                             std::string(request.headers.get("Origin")));
    };
    Fixture fixture(options);
    const std::string response = ask(
        fixture.port(), "POST / HTTP/1.1\r\nHost: x\r\nOrigin: o\r\nContent-Length: 101\r\n\r\n" +
                            std::string(101, 'a'));
    CHECK(status_of(response) == "HTTP/1.1 413 Request Entity Too Large");
    CHECK(body_of(response) == "request body too large");
    CHECK(response.find("Access-Control-Allow-Origin: o\r\n") != std::string::npos);
    CHECK(fixture.requests().empty());
    const std::string huge =
        ask(fixture.port(),
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n");
    CHECK(status_of(huge) == "HTTP/1.1 413 Request Entity Too Large");
}

TEST_CASE("HttpServer: chunked bodies are joined, and cut at the limit [CON-05]") {
    HttpServerOptions options;
    options.max_body_bytes = 8;
    Fixture fixture(options);
    RawClient client(fixture.port());
    client.send(
        "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n5;e=1\r\ndefgh\r\n0\r\nTrailer: t\r\n\r\n");
    CHECK(client.read_until("abcdefgh").ends_with("/c||abcdefgh"));
    client.send(
        "POST /d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "9\r\nabcdefghi\r\n0\r\n\r\n");
    CHECK(client.read_to_end().ends_with("/d||abcdefgh"));
    const std::vector<HttpRequest> requests = fixture.requests();
    CHECK_FALSE(requests.at(0).body_truncated);
    CHECK_FALSE(requests.at(0).headers.find("Trailer"));
    CHECK(requests.at(1).body_truncated);
}

TEST_CASE("HttpServer: 100-continue before the body, other expectations are refused") {
    Fixture fixture;
    RawClient client(fixture.port());
    client.send("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("ok");
    CHECK(client.read_until("||ok").ends_with("/e||ok"));
    CHECK(status_of(ask(fixture.port(), "GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n")) ==
          "HTTP/1.1 417 Expectation Failed");
}

TEST_CASE("HttpServer: malformed and ambiguous requests are 400 and never reach the handler") {
    Fixture fixture;
    for (const std::string_view bad : {
             "GET / HTTP/1.1\r\n\r\n",                            // no Host
             "GET relative HTTP/1.1\r\nHost: x\r\n\r\n",          // target
             "GET / HTTP/2.0\r\nHost: x\r\n\r\n",                 // version
             "G@T / HTTP/1.1\r\nHost: x\r\n\r\n",                 // method
             "GET / HTTP/1.1\r\nHost: x\r\nbad name: 1\r\n\r\n",  // header name
             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: "
             "chunked\r\n\r\n0\r\n\r\n",
             "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
             "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  // a TLS client
         }) {
        CAPTURE(bad);
        CHECK(status_of(ask(fixture.port(), bad)) == "HTTP/1.1 400 Bad Request");
    }
    CHECK(fixture.requests().empty());
}

TEST_CASE("HttpServer: a request cut at any byte never reaches the handler") {
    Fixture fixture;
    const std::string_view whole = "POST /t HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
    for (std::size_t size = 0; size < whole.size(); ++size) {
        RawClient client(fixture.port());
        client.send(whole.substr(0, size));
        client.shutdown_send();
        CHECK(client.read_to_end().empty());
    }
    CHECK(fixture.requests().empty());
    CHECK(fixture.thread().eventually([&] {
        return fixture.server().stats().connections_open == 0 &&
               fixture.server().stats().buffered_bytes == 0;
    }));
}

TEST_CASE("HttpServer: slow headers, slow bodies and idle connections are cut") {
    HttpServerOptions options;
    options.header_timeout = Duration::millis(60);
    options.body_timeout = Duration::millis(60);
    options.idle_timeout = Duration::millis(60);
    Fixture fixture(options);
    CHECK(ask(fixture.port(), "GET / HTTP/1.1\r\nHo").empty());
    CHECK(ask(fixture.port(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab").empty());
    CHECK(ask(fixture.port(), "").empty());
    CHECK(body_of(ask(fixture.port(), kGet)) == "/||");
    CHECK(fixture.stats().timeouts == 2);
}

TEST_CASE("HttpServer: an answer may come later; too late is 503") {
    HttpServerOptions options;
    options.answer_timeout = Duration::millis(80);
    Fixture fixture(options);
    RawClient client(fixture.port());
    client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    REQUIRE(fixture.thread().eventually([&] { return fixture.held().size() == 1; }));
    const bool gone = fixture.thread().call([&] { return !fixture.held()[0].is_open(); });
    CHECK_FALSE(gone);
    CHECK(status_of(client.read_until("Unavailable\r\n")) == "HTTP/1.1 503 Service Unavailable");
    fixture.thread().call([&] { fixture.held()[0].respond(HttpResponse::text(200, "late")); });
    CHECK(fixture.stats().responses.all() == std::map<int, std::uint64_t>{{503, 1}});
}

TEST_CASE("HttpServer: a handler may take longer, for one request [SIP-08]") {
    HttpServerOptions options;
    options.answer_timeout = Duration::millis(60);
    std::optional<HttpExchange> held;
    Fixture fixture(options, [&](const HttpRequest& request, HttpExchange exchange) {
        if (request.path == "/long") exchange.answer_within(Duration::seconds(20));
        held.emplace(std::move(exchange));
    });
    RawClient client(fixture.port());
    client.send("GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    REQUIRE(fixture.thread().eventually([&] { return held.has_value(); }));
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    fixture.thread().call([&] { held->respond(HttpResponse::text(200, "at last")); });
    CHECK(status_of(client.read_until("at last")) == "HTTP/1.1 200 OK");
    client.send("GET /usual HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(status_of(client.read_until("Unavailable\r\n")) == "HTTP/1.1 503 Service Unavailable");
    fixture.thread().call([&] { held.reset(); });
}

TEST_CASE("HttpServer: a client that leaves before the answer is reported [CON-31]") {
    std::optional<HttpExchange> held;
    int gone = 0;
    Fixture fixture({}, [&](HttpRequest, HttpExchange exchange) {
        exchange.on_gone([&gone] { ++gone; });
        held.emplace(std::move(exchange));
    });
    RawClient client(fixture.port());
    client.send(kGet);
    REQUIRE(fixture.thread().eventually([&] { return held.has_value(); }));
    client.close();
    CHECK(fixture.thread().eventually([&] { return gone == 1; }));
    fixture.thread().call([&] {
        CHECK_FALSE(held->is_open());
        CHECK(held->accept_websocket({}) == nullptr);
        held.reset();
    });
    CHECK(fixture.thread().eventually(
        [&] { return fixture.server().stats().connections_open == 0; }));
    CHECK(gone == 1);
}

TEST_CASE(
    "HttpServer: an exchange without answer, or a handler that throws, becomes 500 [CON-02]") {
    Fixture fixture;
    CHECK(status_of(
              ask(fixture.port(), "GET /throw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) ==
          "HTTP/1.1 500 Internal Server Error");
    CHECK(fixture.stats().handler_failures == 1);
    CHECK(fixture.loop_failures() == 1);  // so that an operator hears of it
    RawClient client(fixture.port());
    client.send("GET /drop HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(status_of(client.read_until("\r\n")) == "HTTP/1.1 500 Internal Server Error");
}

TEST_CASE("HttpServer: connections and buffered bytes are bounded [IMM-15]") {
    HttpServerOptions options;
    SUBCASE("connections: busy ones stay, the longest idle one gives way") {
        options.max_connections = 2;
        options.max_connections_per_address = 2;
        Fixture fixture(options);
        const auto ask_to_wait = [&](RawClient& client, std::size_t count) {
            client.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
            REQUIRE(fixture.thread().eventually([&] { return fixture.held().size() == count; }));
        };
        RawClient first(fixture.port());
        RawClient second(fixture.port());
        ask_to_wait(first, 1);
        ask_to_wait(second, 2);
        CHECK(ask(fixture.port(), kGet).empty());
        CHECK(fixture.stats().connections_refused == 1);
        fixture.thread().call(
            [&] { fixture.held().front().respond(HttpResponse::text(200, "a")); });
        CHECK(body_of(first.read_until("\r\n\r\na")) == "a");  // idle from now on
        CHECK(ask(fixture.port(), "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                  .starts_with("HTTP/1.1 200"));
        CHECK(first.read_to_end().empty());
        CHECK(fixture.stats().connections_evicted == 1);
        CHECK(fixture.stats().connections_refused == 1);
    }
    SUBCASE("one address has half of them, unless told otherwise; this machine all of them") {
        options.max_connections = 4;
        CHECK(share_of_one(options) == 2);
        options.max_connections = 2;
        CHECK(share_of_one(options) == 1);
        std::vector<std::uint64_t> told;
        options.on_refused = [&](ConnectionLimit limit, const IpAddress& address,
                                 std::uint64_t count) {
            CHECK(limit == ConnectionLimit::kAll);
            CHECK(address.is_loopback());
            told.push_back(count);
        };
        Fixture fixture(options);
        RawClient first(fixture.port());
        RawClient second(fixture.port());
        for (RawClient* client : {&first, &second})
            client->send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
        REQUIRE(fixture.thread().eventually([&] { return fixture.held().size() == 2; }));
        for (std::uint64_t refused = 1; refused <= 3; ++refused) {
            CHECK(ask(fixture.port(), kGet).empty());
            CHECK(fixture.stats().connections_refused == refused);
        }
        CHECK(fixture.thread().call([&] { return told; }) == std::vector<std::uint64_t>{1});
    }
    SUBCASE("bytes of unfinished requests: who holds most goes, the small always pass") {
        options.max_buffered_bytes = 600'000;
        Fixture fixture(options);
        RawClient header(fixture.port());
        header.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(200'000, 'a'));
        RawClient larger(fixture.port());
        larger.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(380'000, 'b'));
        REQUIRE(fixture.thread().eventually(
            [&] { return fixture.server().stats().buffered_bytes > 570'000; }));
        const std::string close = "Connection: close\r\n";
        const auto post = [&](std::size_t size) {
            return status_of(ask(fixture.port(), "POST / HTTP/1.1\r\nHost: x\r\n" + close +
                                                     "Content-Length: " + std::to_string(size) +
                                                     "\r\n\r\n" + std::string(size, 'c')));
        };
        CHECK(post(20'000) == "HTTP/1.1 200 OK");
        CHECK(fixture.stats().responses[503] == 0);
        CHECK(post(150'000) == "HTTP/1.1 200 OK");
        CHECK(status_of(larger.read_until("\r\n")) == "HTTP/1.1 503 Service Unavailable");
        CHECK(post(500'000) == "HTTP/1.1 503 Service Unavailable");
        header.send("\r\n\r\n");
        CHECK(status_of(header.read_until("\r\n")) == "HTTP/1.1 200 OK");
        CHECK(fixture.stats().responses[503] == 2);
        CHECK(fixture.stats().buffered_bytes == 0);
    }
}

TEST_CASE("HttpServer: an answer may end its connection [OPS-05]") {
    Fixture fixture({}, [](const HttpRequest& request, HttpExchange exchange) {
        HttpResponse response = HttpResponse::text(429, "enough");
        if (request.path == "/last") response.headers.add("Connection", "close");
        exchange.respond(std::move(response));
    });
    RawClient client(fixture.port());
    client.send("GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /last HTTP/1.1\r\nHost: x\r\n\r\n" +
                std::string(kGet));
    CHECK(client.read_until("enough").find("Connection: close") == std::string::npos);
    const std::string last = client.read_to_end();
    CHECK(last.find("Connection: close\r\n") == last.rfind("Connection: close\r\n"));
    CHECK(last.find("Connection: close\r\n") != std::string::npos);
    CHECK(last.ends_with("enough"));
    CHECK(fixture.stats().responses.all() == std::map<int, std::uint64_t>{{429, 2}});
}

TEST_CASE("HttpServer: a connection that is not admitted is closed without a word [OPS-05]") {
    HttpServerOptions options;
    std::string asked;
    options.admit = [&asked, left = 2](const IpAddress& address) mutable {
        asked = address.to_string();
        return left-- > 0;
    };
    Fixture fixture(options);
    for (int i = 0; i < 2; ++i) {
        RawClient client(fixture.port());
        client.send(kGet);
        CHECK(body_of(client.read_until("/||")) == "/||");
    }
    CHECK(ask(fixture.port(), kGet).empty());
    CHECK(fixture.stats().connections_refused == 0);  // no limit of the server itself
    CHECK(fixture.stats().connections == 2);
    CHECK(fixture.thread().call([&] { return asked; }) == "127.0.0.1");
}

TEST_CASE("HttpServer: a stop closes idle connections and lets answers out [CON-11]") {
    Fixture fixture;
    RawClient idle(fixture.port());
    RawClient busy(fixture.port());
    idle.send(kGet);
    CHECK(idle.read_until("/||").ends_with("/||"));
    busy.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    REQUIRE(fixture.thread().eventually([&] { return fixture.held().size() == 1; }));
    fixture.thread().call([&] { fixture.server().shutdown(); });
    CHECK(idle.read_to_end().empty());
    fixture.thread().call([&] { fixture.held()[0].respond(HttpResponse::text(200, "last")); });
    CHECK(busy.read_to_end().ends_with("last"));
    CHECK_FALSE(RawClient(fixture.port()).connected());
}

TEST_CASE("HttpServer: listens on several addresses and says why it cannot") {
    Fixture fixture;
    fixture.thread().call([&] {
        CHECK_FALSE(fixture.server().listen("127.0.0.1", fixture.port()));
        CHECK_FALSE(fixture.server().listen("localhost", 0));
        const auto any = fixture.server().listen("", 0);
        REQUIRE(any);
        CHECK(any->port != fixture.port());
    });
}

}  // namespace confab::net
