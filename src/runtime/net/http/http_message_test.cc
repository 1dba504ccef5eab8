// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_message.h"

#include <doctest/doctest.h>

namespace confab::net {

TEST_CASE("HttpHeaders: names without case, tokens over several lines") {
    HttpHeaders headers{{"Connection", "keep-alive"}, {"connection", "x , Upgrade"}};
    CHECK(headers.get("CONNECTION") == "keep-alive");
    CHECK(headers.has_token("Connection", "upgrade"));
    CHECK_FALSE(headers.has_token("Connection", "up"));
    CHECK_FALSE(headers.find("Upgrade"));
    headers.set("connection", "close");
    CHECK(headers.size() == 1);
    CHECK(headers.get("Connection") == "close");
}

TEST_CASE("split_target: origin, absolute and asterisk form (RFC 9112 §3.2)") {
    const auto parts = [](std::string_view target) {
        std::string path;
        std::string query;
        if (!split_target(target, path, query)) return std::string("-");
        return path + " " + query;
    };
    CHECK(parts("/a/b?c=d?e") == "/a/b c=d?e");
    CHECK(parts("//a") == "//a ");
    CHECK(parts("/?") == "/ ");
    CHECK(parts("*") == "* ");
    CHECK(parts("http://h:1/p?q") == "/p q");
    CHECK(parts("HTTPS://h") == "/ ");
    CHECK(parts("http://h?q") == "/ q");
    CHECK(parts("/a#b") == "/a ");
    CHECK(parts("") == "-");
    CHECK(parts("a/b") == "-");
    CHECK(parts("h:443") == "-");
}

TEST_CASE("serialize: header lines that would break the framing are left out") {
    HttpResponse response = HttpResponse::text(200, "b");
    response.headers.add("X-Good", "1");
    response.headers.add("X-Split", "1\r\nSet-Cookie: a");
    response.headers.add("X Bad", "1");
    response.headers.add("", "1");
    response.headers.add("content-length", "99");
    response.headers.add("Transfer-Encoding", "chunked");
    CHECK(serialize(response, {}, UnixTime::seconds(784111777)) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nX-Good: 1\r\n"
          "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 1\r\n\r\nb");
}

}  // namespace confab::net
