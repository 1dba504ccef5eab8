// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/urls/fetch_url.h"

#include <doctest/doctest.h>

#include <string>

namespace confab::cluster::services {
namespace {

std::string written(const std::string& url) {
    return fetch_url(url).value_or("refused");
}
std::string fault(const std::string& url) {
    const auto result = fetch_url(url);
    return result ? "" : result.error();
}

}  // namespace

TEST_CASE("fetch_url: what can be fetched, and what Go's parser says of the rest [ING-07]") {
    for (const char* good : {"http://h/x", "HTTP://h/x", "https://h/%20", "srt://h:9000?mode=x"})
        CHECK(fault(good).empty());
    CHECK(fault("") == "invalid ingress: missing URL parameter");
    CHECK(fault("ftp://h/x") == "invalid ingress: invalid url scheme ftp");
    CHECK(fault("rtmp://h/x") == "invalid ingress: invalid url scheme rtmp");
    CHECK(fault("h/x") == "invalid ingress: invalid url scheme ");
    CHECK(fault("1http://h/") == "invalid ingress: invalid url scheme ");
    CHECK(fault("://") == "parse \"://\": missing protocol scheme");
    CHECK(fault("%zz") == "parse \"%zz\": invalid URL escape \"%zz\"");
    CHECK(fault("http://h/%4") == "parse \"http://h/%4\": invalid URL escape \"%4\"");
    CHECK(fault("http://h/%41%") == "parse \"http://h/%41%\": invalid URL escape \"%\"");
    CHECK(fault("http://h/x#%zz") == "parse \"http://h/x#%zz\": invalid URL escape \"%zz\"");
    CHECK(fault("http://h/\n") == "parse URL: invalid control character in URL");
}

TEST_CASE("fetch_url: a host, a port and a login that are none [ING-07]") {
    const auto says = [](const std::string& url, const std::string& what) {
        CHECK(fault(url) == "parse \"" + url + "\": " + what);
    };
    says("http://x y/", "invalid character \" \" in host name");
    says("http://a%41/", "invalid URL escape \"%41\"");
    says("http://[::1/", "missing ']' in host");
    says("http://a[b]/", "invalid IP-literal");
    says("http://[1.2.3.4]/", "invalid IP-literal");
    says("http://[x]/", "invalid host: no IPv6 address: x");
    says("http://[fe80::1%25]/", "invalid host: no IPv6 address: fe80::1%");
    says("http://[fe80::1%25%2f]/", "invalid URL escape \"%2f\"");
    says("http://a:b/", "invalid port \":b\" after host");
    says("http://[::1]x/", "invalid port \"x\" after host");
    says("http://a:1:2/", "invalid port \":1:2\" after host");
    CHECK(written("srt://a:1:2") == "srt://a:1:2");
    says("http://u:p w@h/x", "net/url: invalid userinfo");
    says("http://u%zz@h/", "invalid URL escape \"%zz\"");
}

TEST_CASE("fetch_url: is written anew, the query is left as it is [ING-07]") {
    CHECK(written("HTTP://Host/\u00e4 b") == "http://Host/%C3%A4%20b");
    CHECK(written("http://h/a%2fb?\u00fc x=%zz#\u00e4 b") ==
          "http://h/a%2fb?\u00fc x=%zz#%C3%A4%20b");
    // What needs nothing stays, else all of it is written in one way.
    CHECK(written("http://h/[x]!*'()%41") == "http://h/[x]!*'()%41");
    CHECK(written("http://h/[x]!*'()%41 ") == "http://h/%5Bx%5D%21%2A%27%28%29A%20");
    CHECK(written("http://h/#!'()?/") == "http://h/#!'()?/");
    CHECK(written("http://h/#a#[]") == "http://h/#a%23%5B%5D");
    CHECK(written("http://\u00fc.de:/") == "http://%C3%BC.de:/");
    CHECK(written("http://[fe80::1%25a%20b]:80/") == "http://[fe80::1%25a%20b]:80/");
    CHECK(written("http://u!:p%40:q@h/") == "http://u%21:p%40%3Aq@h/");
    CHECK(written("http://a@b@c") == "http://a%40b@c");
    CHECK(written("http://@h/") == "http://@h/");
    for (const char* same : {"http:///x", "http:/x", "http:x y", "http://h?", "http:?x", "srt:"})
        CHECK(written(same) == same);
    CHECK(written("http://") == "http:");
    CHECK(written("http://h/#") == "http://h/");
}

}  // namespace confab::cluster::services
