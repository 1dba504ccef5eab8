// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "acme/messages.h"

#include <doctest/doctest.h>

#include "acme/acme_testing.h"

namespace confab::acme {

TEST_CASE("acme: a directory has its three addresses, over https") {
    const auto directory = parse_directory(directory_json());
    REQUIRE(directory);
    CHECK(directory->new_account == "https://ca.test/account");
    CHECK_FALSE(parse_directory("{}"));
    CHECK_FALSE(parse_directory("[]"));
    std::string plain = directory_json();
    plain.replace(plain.find("https"), 5, "http");
    CHECK_FALSE(parse_directory(plain));
}

TEST_CASE("acme: addresses, nonces and tokens are held to their form") {
    CHECK(is_url("https://a"));
    CHECK_FALSE(is_url("https://"));
    CHECK_FALSE(is_url("https://a b"));
    CHECK_FALSE(is_url("https://a\r\nX: y"));
    CHECK(is_url("https://" + std::string(kMaxUrl - 8, 'a')));
    CHECK_FALSE(is_url("https://" + std::string(kMaxUrl - 7, 'a')));
    CHECK(is_base64url("aZ09-_", 6));
    CHECK_FALSE(is_base64url("aZ09-_", 5));
    for (const char* bad : {"", "a b", "a=", "a/b", "../x"})
        CHECK_FALSE(is_base64url(bad, 100));
}

TEST_CASE("acme: a problem says what it is, in one plain line") {
    const Problem problem = parse_problem({429, problem_json("rateLimited", "a\\nb"), "", "", ""});
    CHECK(problem.type == "rateLimited");
    CHECK(problem.detail == "a b");
    CHECK(parse_problem({500, "<html>", "", "", ""}).type == "status 500");
    CHECK(
        parse_problem({400, problem_json("x", std::string(1000, 'a')), "", "", ""}).detail.size() ==
        kMaxDetail);
}

TEST_CASE("acme: orders and authorizations, their states and bounds") {
    for (const auto& [text, status] :
         {std::pair{"pending", Status::kPending}, std::pair{"ready", Status::kReady},
          std::pair{"processing", Status::kProcessing}, std::pair{"valid", Status::kValid},
          std::pair{"invalid", Status::kInvalid}, std::pair{"revoked", Status::kInvalid}})
        CHECK(parse_order(order_json(text))->status == status);
    CHECK(parse_order(order_json("pending", kMaxAuthorizations)));
    CHECK_FALSE(parse_order(order_json("pending", kMaxAuthorizations + 1)));
    CHECK(parse_order(order_json("invalid", 1, R"(,"error":{"detail":"no"})"))->error == "no");
    const auto made = parse_authorization(authorization_json("pending", "Meet.Test"));
    REQUIRE(made);
    CHECK(made->domain == "meet.test");
    REQUIRE(made->challenges.size() == 2);  // dns-01 is none of ours
    CHECK(made->challenges[0].kind == ChallengeKind::kHttp01);
    CHECK(made->challenges[1].token == "t2");
    CHECK_FALSE(parse_authorization(R"({"status":"valid"})"));
    // A token could lead out of the folder of the challenges.
    CHECK(parse_authorization(
              R"({"status":"pending","identifier":{"value":"a"},"challenges":[{"type":"http-01",)"
              R"("url":"https://ca.test/c","token":"../../x"}]})")
              ->challenges.empty());
}

TEST_CASE("acme: Retry-After is a number of seconds or a date (RFC 9110 §10.2.3)") {
    const UnixTime wall = UnixTime::seconds(784'111'777);  // Sun, 06 Nov 1994 08:49:37 GMT
    CHECK(parse_retry_after("0", wall) == Duration::zero());
    CHECK(parse_retry_after("120", wall) == Duration::seconds(120));
    CHECK(parse_retry_after("4000000000", wall) == Duration::seconds(7 * 86'400));
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", wall) == Duration::seconds(60));
    CHECK(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", wall) == Duration::zero());
    CHECK(parse_retry_after("Sun, 06 Nov 1988 08:49:37 GMT", wall) == Duration::zero());
    CHECK(parse_retry_after("Mon, 07 Nov 1994 08:49:37 GMT", wall) == Duration::seconds(86'400));
    CHECK(parse_retry_after("Wed, 29 Feb 2040 00:00:00 GMT", wall) ==
          Duration::seconds(7 * 86'400));
    for (const char* bad : {"", "-1", "soon", "Sun, 06 Nov 1994", "Sun, 06 Foo 1994 08:49:37 GMT",
                            "Sun, 06 Nov 1994 08:49:xx GMT"})
        CHECK_FALSE(parse_retry_after(bad, wall));
}

}  // namespace confab::acme
