// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/http/basic_auth.h"

#include <doctest/doctest.h>

#include <string>

#include "base/text.h"

namespace confab::api {
namespace {

std::string header(std::string_view credentials) {
    return "Basic " + base64_encode(as_bytes(credentials));
}

}  // namespace

TEST_CASE("Basic authentication: exactly that user and password [CON-10]") {
    CHECK(basic_auth_matches(header("user:pass:word"), "user", "pass:word"));
    // RFC 7617 §2: the example; the scheme is compared without case (RFC 9110 §11.1).
    CHECK(basic_auth_matches("basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"));
    for (const std::string& wrong :
         {header("user:pass:wor"), header("user:pass:words"), header("User:pass:word"),
          header("user"), header(""), std::string("Basic"), std::string("Basic !!!"), std::string(),
          "Bearer " + header("user:pass:word").substr(6)}) {
        CAPTURE(wrong);
        CHECK_FALSE(basic_auth_matches(wrong, "user", "pass:word"));
    }
    CHECK_FALSE(basic_auth_matches(std::nullopt, "user", "pass:word"));
    const HttpResponse refusal = basic_auth_challenge();
    CHECK(refusal.status == 401);
    CHECK(refusal.body.empty());
    REQUIRE(refusal.headers.size() == 1);
    CHECK(refusal.headers[0].value == "Basic realm=\"Protected Area\"");
}

}  // namespace confab::api
