// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "acme/signed_request.h"

#include <doctest/doctest.h>

#include "acme/acme_testing.h"

namespace confab::acme {

TEST_CASE("signed_body: the key is shown to make an account, its URL afterwards (RFC 8555 §6.2)") {
    const auto key = crypto::EcKey::generate();
    REQUIRE(key);
    const auto parts = [&](std::string_view account, std::string_view payload) {
        const auto body = signed_body(*key, {"https://ca.test/x", "n1", account}, payload);
        REQUIRE(body);
        return parts_of({"POST", "", "", *body});
    };
    const SignedParts first = parts("", "{}");
    CHECK(first.payload == "{}");
    CHECK(first.head.find("alg")->string == "ES256");
    CHECK(first.head.find("nonce")->string == "n1");
    CHECK(first.head.find("url")->string == "https://ca.test/x");
    REQUIRE(first.head.find("jwk") != nullptr);
    CHECK(first.head.find("jwk")->find("kty")->string == "EC");
    CHECK(first.head.find("kid") == nullptr);
    const SignedParts next = parts("https://ca.test/account/1", "");
    CHECK(next.payload.empty());
    CHECK(next.head.find("jwk") == nullptr);
    CHECK(next.head.find("kid")->string == "https://ca.test/account/1");
}

}  // namespace confab::acme
