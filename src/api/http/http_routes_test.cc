// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// CORS, paths, authentication against the recorded requests.
#include "api/http/http_routes.h"

#include <doctest/doctest.h>

#include "api/golden_testing.h"
#include "api/http/query.h"
#include "api/join/client_info.h"

namespace confab::api {
namespace {

using testing::Exchange;

std::string value_of(const std::vector<HttpHeader>& headers, std::string_view name) {
    for (const HttpHeader& header : headers)
        if (header.name == name) return header.value;
    return {};
}

std::optional<std::string> origin_of(const Exchange& exchange) {
    if (!exchange.has_header("requestHeaders", "Origin")) return std::nullopt;
    return exchange.header("requestHeaders", "Origin");
}

void check_cors(const Exchange& exchange, const std::vector<HttpHeader>& headers) {
    for (const char* name : {"Vary", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods",
                             "Access-Control-Allow-Headers", "Access-Control-Max-Age",
                             "Access-Control-Expose-Headers"}) {
        INFO(name);
        CHECK(value_of(headers, name) == exchange.header("responseHeaders", name));
    }
}

}  // namespace

TEST_CASE("CORS: every recorded reply has these headers [CON-03] [CON-22]") {
    int preflights = 0;
    for (const char* file : {"http.jsonl", "tokens-and-validate.jsonl"}) {
        for (const Exchange& exchange : testing::load_golden(file)) {
            INFO(exchange.text("name"));
            const auto origin = origin_of(exchange);
            const std::string asked =
                exchange.header("requestHeaders", "Access-Control-Request-Method");
            if (exchange.text("method") == "OPTIONS" && !asked.empty()) {
                const HttpResponse response = preflight_response(
                    origin, asked,
                    exchange.header("requestHeaders", "Access-Control-Request-Headers"));
                CHECK(response.status == 204);
                CHECK(response.body.empty());
                check_cors(exchange, response.headers);
                ++preflights;
            } else {
                const CleanPath clean = clean_path(exchange.path());
                check_cors(exchange,
                           cors_headers(clean.redirect ? exchange.path() : clean.path, origin));
            }
        }
    }
    CHECK(preflights == 7);
}

TEST_CASE("CORS: a preflight without Origin allows nothing [CON-03]") {
    CHECK(preflight_response(std::nullopt, "GET", "").headers.size() == 1);
}

TEST_CASE("health_response: not ready after 4 s of silence [CON-06] [NODE-15]") {
    const HttpResponse well = health_response(Duration::seconds(4), "then");
    CHECK(well.status == 200);
    CHECK(well.body == "OK");
    const HttpResponse late = health_response(Duration::micros(4'000'001), "then");
    CHECK(late.status == 406);
    CHECK(late.body == "Not Ready\nNode Updated At then");
}

TEST_CASE("probe_response: 503 with the trouble [OPS-01]") {
    CHECK(probe_response("").status == 200);
    CHECK(probe_response("").body == "OK");
    CHECK(probe_response("no Redis").status == 503);
    CHECK(probe_response("no Redis").body == "Not Ready\nno Redis");
}

TEST_CASE("clean_path: one leading double slash is served, others redirect [CON-04]") {
    const auto check = [](const char* path, const char* clean, bool redirect) {
        INFO(path);
        CHECK(clean_path(path).path == clean);
        CHECK(clean_path(path).redirect == redirect);
    };
    check("/", "/", false);
    check("", "/", false);
    check("//", "/", false);
    check("//rtc/validate", "/rtc/validate", false);
    check("///rtc/validate", "/rtc/validate", true);
    check("/rtc//validate", "/rtc/validate", true);
    check("//rtc//validate", "/rtc/validate", true);
    check("/a/./b/../c/", "/a/c/", true);
    check("/../..", "/", true);
    check("/twirp/livekit.RoomService/", "/twirp/livekit.RoomService/", false);
    for (const Exchange& exchange : testing::load_golden("http.jsonl")) {
        if (exchange.status() != 307) continue;
        const CleanPath clean = clean_path(exchange.path());
        REQUIRE(clean.redirect);
        const HttpResponse response = redirect_response(exchange.text("method"), clean.path, "");
        CHECK(response.status == 307);
        CHECK(find_header(response, "Location") == exchange.header("responseHeaders", "location"));
        CHECK(find_header(response, "Content-Type") ==
              exchange.header("responseHeaders", "content-type"));
        CHECK(response.body == exchange.text("response"));
    }
    CHECK(find_header(redirect_response("POST", "/a", "b=1"), "Location") == "/a?b=1");
    CHECK(redirect_response("POST", "/a", "").body.empty());
    CHECK(redirect_response("GET", "/<script>", "").body.find('<', 1) ==
          redirect_response("GET", "/<script>", "").body.find("</a>"));
}

TEST_CASE("authenticate: header before form before query, no token is no error [CON-20] [CON-21]") {
    const token::KeyMap keys = testing::golden_keys();
    token::Grants grants;
    grants.identity = "x";
    const std::string token = token::mint_token(grants, {"devkey", testing::kGoldenSecret},
                                                testing::kGoldenNow, Duration::seconds(60));
    QueryParams good;
    good.add("access_token", token);
    QueryParams bad;
    bad.add("access_token", "zzz");
    const auto ask = [&](std::optional<std::string_view> header, const QueryParams& query,
                         const QueryParams& form) -> std::string {
        const auto result = authenticate(header, query, form, keys, testing::kGoldenNow);
        if (!result) return result.error().text;
        return *result ? (**result).identity : "nobody";
    };
    const std::string header = "Bearer " + token;
    CHECK(ask(header, {}, {}) == "x");
    CHECK(ask(header, bad, bad) == "x");
    CHECK(ask(std::nullopt, good, {}) == "x");
    CHECK(ask(std::nullopt, bad, good) == "x");
    CHECK(ask("", good, {}) == "x");
    CHECK(ask("  ", {}, {}) == "nobody");
    CHECK(ask(std::nullopt, {}, {}) == "nobody");
    CHECK(ask(std::nullopt, bad, {}) == "invalid authorization token");
    const std::string lower = "bearer " + token;
    CHECK(ask(lower, good, {}) == "invalid authorization header. Must start with Bearer ");
    CHECK(ask("Bearer ", good, {}) == "invalid authorization header. Must start with Bearer ");
}

TEST_CASE("client_address: the first header that says something [CON-08]") {
    CHECK(client_address("1", "2, 3", "4", "5") == "1");
    CHECK(client_address("", "2, 3", "4", "5") == "2, 3");
    CHECK(client_address("", "", "4", "5") == "4");
    CHECK(client_address("", "", "", "5") == "5");
}

TEST_CASE("QueryParams: escapes, repeated names, broken pairs [CON-35]") {
    const QueryParams query =
        QueryParams::parse("a=1&b=%41%2b+c&a=2&&x&%zz=1&y=%4&t=true&e=a=b&s=1;2&n%6Fw=5&u=%ff");
    CHECK(query.get("a") == "1");
    CHECK(query.get("b") == "A+ c");
    CHECK(query.has("x"));
    CHECK(query.get("x") == "");
    CHECK_FALSE(query.has("y"));
    CHECK_FALSE(query.has("s"));
    CHECK_FALSE(query.has("u"));
    CHECK(query.flag("a"));
    CHECK(query.flag("t"));
    CHECK_FALSE(query.flag("b"));
    CHECK(query.get("e") == "a=b");
    CHECK(query.get("now") == "5");
    std::string many;
    for (int i = 0; i < 1000; ++i)
        many += "k=v&";
    CHECK(QueryParams::parse(many).size() == kMaxQueryParams);
}

TEST_CASE("client info: query values and what the User-Agent adds [CON-36]") {
    const auto query = QueryParams::parse(
        "sdk=js&protocol=17&client_protocol=2&version=2.21.0&network=wifi"
        "&capabilities=CAP_PACKET_TRAILER,nonsense,CAP_COMPRESSION_DEFLATE_RAW");
    livekit::ClientInfo info = client_info_from_query(query);
    CHECK(info.sdk() == livekit::ClientInfo::JS);
    CHECK(info.protocol() == 17);
    CHECK(info.client_protocol() == 2);
    CHECK(info.version() == "2.21.0");
    CHECK(info.network() == "wifi");
    REQUIRE(info.capabilities_size() == 2);
    CHECK(info.capabilities(1) == livekit::ClientInfo::CAP_COMPRESSION_DEFLATE_RAW);
    const auto complete = [&](livekit::ClientInfo base, const char* agent) {
        complete_client_info(base, agent, "192.0.2.7");
        return base;
    };
    livekit::ClientInfo chrome = complete(
        info,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/131.0.0.0 Safari/537.36");
    CHECK(chrome.browser() == "Chrome");
    CHECK(chrome.browser_version() == "131.0.0.0");
    CHECK(chrome.os() == "Mac OS X");
    CHECK(chrome.os_version() == "10.15.7");
    CHECK(chrome.device_model() == "Mac");
    CHECK(chrome.address() == "192.0.2.7");
    CHECK(complete(info, "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
              .browser() == "Firefox");
    CHECK(complete(info, "Mozilla/5.0 (Windows NT 10.0) Chrome/120.0 Safari/537.36 Edg/120.1")
              .browser_version() == "120.1");
    CHECK(complete(info, "Mozilla/5.0 (OBS-Studio/30.2)").browser() == "OBS Studio");
    info.set_browser("Own");
    CHECK(complete(info, "Firefox/1.0").browser() == "Own");
    livekit::ClientInfo rust;
    rust.set_sdk(livekit::ClientInfo::RUST);
    CHECK(complete(rust, "Chrome/1.0").browser().empty());
    CHECK(client_info_from_query(QueryParams::parse("sdk=cobol&protocol=x")).sdk() ==
          livekit::ClientInfo::UNKNOWN);
}

}  // namespace confab::api
