// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_call.h"

#include <doctest/doctest.h>

#include <memory>

#include "runtime/net/http/http_server.h"
#include "runtime/net/net_testing.h"

namespace confab::net {

TEST_CASE("call_http: returns with the answer, and with why there is none") {
    LoopThread thread;
    std::unique_ptr<HttpServer> server;
    std::uint16_t port = 0;
    thread.call([&] {
        server = std::make_unique<HttpServer>(
            thread.loop(), HttpServerOptions{}, [](HttpRequest request, HttpExchange exchange) {
                exchange.respond(HttpResponse::text(201, request.body + "!"));
            });
        port = server->listen("127.0.0.1", 0).value().port;
    });
    const std::string url = "http://127.0.0.1:" + std::to_string(port) + "/x";
    for (const char* body : {"one", "two"}) {
        HttpClientRequest request;
        request.url = url;
        request.body = body;
        const auto answer = call_http(std::move(request));
        REQUIRE(answer);
        CHECK(answer->status == 201);
        CHECK(answer->body == std::string(body) + "!");
    }
    HttpClientRequest large;
    large.url = url;
    large.body = std::string(100, 'x');
    HttpClientOptions options;
    options.max_response_body_bytes = 10;
    CHECK(call_http(std::move(large), std::move(options)).error() == HttpClientError::kTooLarge);
    thread.call([&] { server.reset(); });
    HttpClientRequest nobody;
    nobody.url = url;
    CHECK(call_http(std::move(nobody)).error() == HttpClientError::kConnect);
    HttpClientRequest nonsense;
    nonsense.url = "nonsense";
    CHECK(call_http(std::move(nonsense)).error() == HttpClientError::kBadUrl);
}

}  // namespace confab::net
