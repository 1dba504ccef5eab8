// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_redirect.h"

#include <doctest/doctest.h>

namespace confab::net {
namespace {

std::string location(const std::string& host, const std::string& path, const std::string& query,
                     std::uint16_t port = 443, const std::string& domain = "meet.test") {
    HttpRequest request;
    request.path = path;
    request.query = query;
    if (!host.empty()) request.headers.add("Host", host);
    const HttpResponse response = redirect_to_https(request, domain, port);
    return response.status == 308 ? std::string(response.headers.get("Location")) : "refused";
}

}  // namespace

TEST_CASE("redirect_to_https: to the same place, at the port of HTTPS [CON-01]") {
    CHECK(location("a.test", "/x", "") == "https://a.test/x");
    CHECK(location("a.test:80", "/x", "y=1&z") == "https://a.test/x?y=1&z");
    CHECK(location("a.test:8080", "/", "", 8443) == "https://a.test:8443/");
    CHECK(location("[2001:db8::1]:80", "/", "") == "https://[2001:db8::1]/");
    CHECK(location("192.0.2.1", "/", "") == "https://192.0.2.1/");
}

TEST_CASE("redirect_to_https: what is no host or target leads to the domain [CON-01]") {
    CHECK(location("", "/x", "") == "https://meet.test/x");
    for (const char* host : {"a b", "a/b", "a@b", "a\"b", "[::1", "<script>"})
        CHECK(location(host, "/x", "") == "https://meet.test/x");
    CHECK(location(std::string(256, 'a'), "/", "") == "https://meet.test/");
    CHECK(location(std::string(255, 'a'), "/", "") == "https://" + std::string(255, 'a') + "/");
    CHECK(location("a.test", "*", "") == "https://a.test/");
    CHECK(location("a.test", "/\r\nX: 1", "") == "https://a.test/");
    CHECK(location("", "/", "", 443, "") == "refused");
    CHECK(location("a b", "/", "", 443, "") == "refused");
}

}  // namespace confab::net
