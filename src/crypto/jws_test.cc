// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The example of RFC 7515 appendix A.1, every class of refusal, and malformed variants of a token.
#include "crypto/jws.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/rng.h"
#include "base/text.h"
#include "crypto/hmac.h"
#include "crypto/jws_header.h"

namespace confab::crypto {
namespace {

const BytesView kKey = as_bytes("a-secret-of-at-least-32-characters");

std::string token_of(std::string_view header, std::string_view payload = R"({"sub":"x"})",
                     BytesView key = kKey) {
    std::string text = base64_encode(as_bytes(header), Base64::kUrlNoPadding) + "." +
                       base64_encode(as_bytes(payload), Base64::kUrlNoPadding);
    return text + "." + base64_encode(hmac_sha256(key, as_bytes(text)), Base64::kUrlNoPadding);
}

std::string error_of(std::string_view token) {
    const auto result = jws_verify(token, kKey);
    return result ? "accepted" : to_text(result.error());
}

TEST_CASE("Jws: the HS256 example of RFC 7515 appendix A.1") {
    const auto key = base64_decode(
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        Base64::kUrlNoPadding);
    REQUIRE(key);
    const std::string_view token =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
        "cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const auto payload = jws_verify(token, *key);
    REQUIRE(payload);
    CHECK(as_text(*payload).starts_with("{\"iss\":\"joe\""));
}

TEST_CASE("Jws: what is signed verifies, with another key it does not [TOK-01]") {
    Rng rng(3);
    for (int round = 0; round < 40; ++round) {
        Bytes payload(rng.below(300)), key(32);
        rng.fill(payload);
        rng.fill(key);
        const std::string token = jws_sign(payload, key);
        const auto back = jws_verify(token, key);
        REQUIRE(back);
        CHECK(*back == payload);
        key[5] ^= 1;
        CHECK(jws_verify(token, key).error().kind == JwsErrorKind::kSignatureInvalid);
    }
    CHECK(jws_sign(as_bytes("{}"), kKey).starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30."));
}

TEST_CASE(
    "Jws: any other algorithm is refused although the signature fits [IMM-11][TOK-01][CON-21]") {
    for (const char* alg : {"none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", "PS256",
                            "EdDSA", "hs256", "HS256 ", " HS256", "HS2567", "", "HS25\\u0036x"}) {
        CAPTURE(alg);
        const auto result = jws_verify(token_of("{\"alg\":\"" + std::string(alg) + "\"}"), kKey);
        REQUIRE_FALSE(result);
        CHECK(result.error().kind == JwsErrorKind::kAlgorithmInvalid);
    }
    CHECK(error_of(token_of(R"({"alg":"HS512","typ":"JWT"})")) ==
          "signing method HS512 is invalid");
    CHECK(error_of(token_of("{\"alg\":\"a\\u000ab\"}")) == "signing method a?b is invalid");
}

TEST_CASE("Jws: headers that are no strict JSON object, and duplicates, are malformed [IMM-11]") {
    for (const char* header : {"",
                               "{",
                               "}",
                               "[]",
                               "null",
                               "\"HS256\"",
                               "{\"alg\":\"HS256\"",
                               "{\"alg\":\"HS256\"}x",
                               "{\"alg\":\"HS256\",}",
                               "{'alg':'HS256'}",
                               "{alg:\"HS256\"}",
                               "{\"alg\" \"HS256\"}",
                               "{\"alg\":\"HS256\",\"alg\":\"none\"}",
                               "{\"alg\":\"none\",\"alg\":\"HS256\"}",
                               "{\"alg\":\"none\",\"\\u0061lg\":\"HS256\"}",
                               "{\"alg\":\"HS256\",\"crit\":[\"b64\"]}",
                               "{\"alg\":\"HS256\",\"x\":01}",
                               "{\"alg\":\"HS256\",\"x\":1.}",
                               "{\"alg\":\"HS256\",\"x\":+1}",
                               "{\"alg\":\"HS256\",\"x\":tru}",
                               "{\"alg\":\"HS256\",\"x\":\"\\q\"}",
                               "{\"alg\":\"HS256\",\"x\":[1,]}",
                               "{\"alg\":\"HS256\",\"x\":\"\xff\"}",
                               "{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{\"x\":{}}}"
                               "}}}}}},\"alg\":\"HS256\"}"}) {
        CAPTURE(header);
        const auto result = jws_verify(token_of(header), kKey);
        REQUIRE_FALSE(result);
        CHECK(result.error().kind == JwsErrorKind::kHeaderJson);
        CHECK(is_malformed(result.error().kind));
    }
    CHECK(error_of(token_of("{}")) == "signing method (alg) is unspecified");
    CHECK(error_of(token_of("{\"alg\":7}")) == "signing method (alg) is unspecified");
    CHECK(error_of(token_of("{\"alg\":[\"HS256\"]}")) == "signing method (alg) is unspecified");
    CHECK(error_of(token_of("{\"x\":{\"alg\":\"HS256\"}}")) ==
          "signing method (alg) is unspecified");
    CHECK(error_of(
              token_of(" { \"kid\" : [ 1 , -2.5e3 , { \"a\":null } ] , \"alg\" : \"HS256\" } ")) ==
          "accepted");
}

TEST_CASE("Jws: wrong shapes name what is wrong [CON-21]") {
    const std::string good = token_of(R"({"alg":"HS256"})");
    CHECK(error_of("") == "token contains an invalid number of segments");
    CHECK(error_of("a.b") == "token contains an invalid number of segments");
    CHECK(error_of(good + ".x") == "token contains an invalid number of segments");
    CHECK(error_of("!" + good) == "could not base64 decode header");
    CHECK(error_of(good + "=") == "could not base64 decode signature");
    CHECK(error_of(std::string(kMaxJwsSize + 1, 'a')) == "token is too large");
    CHECK(error_of("eyJhbGciOiJIUzI1NiJ9.*.AA") == "could not base64 decode claim");
    CHECK(error_of("eyJhbGciOiJIUzI1NiJ9.e30.") == "signature is invalid");
}

TEST_CASE("Jws: no single changed or missing character leaves a token valid [IMM-11]") {
    const std::string good = token_of(R"({"alg":"HS256","typ":"JWT"})", R"({"iss":"k","sub":"a"})");
    REQUIRE(error_of(good) == "accepted");
    for (std::size_t i = 0; i < good.size(); ++i) {
        for (const char c : {'A', 'B', 'z', '.', '=', '-', '\0', ' '}) {
            if (good[i] == c) continue;
            std::string bad = good;
            bad[i] = c;
            CAPTURE(bad);
            CHECK_FALSE(jws_verify(bad, kKey).has_value());
        }
        CHECK_FALSE(jws_verify(good.substr(0, i), kKey).has_value());
        CHECK_FALSE(jws_verify(good.substr(i + 1), kKey).has_value());
    }
}

TEST_CASE("Jws: none of the collected malformed tokens is accepted [IMM-11]") {
    const std::filesystem::path folder = std::string(CONFAB_SOURCE_DIR) + "/fuzz/corpus/jwt";
    int refused = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string token{std::istreambuf_iterator<char>(file), {}};
        const std::string name = entry.path().filename().string();
        CAPTURE(name);
        const bool accepted = jws_verify(token, kKey).has_value();
        CHECK(accepted == (name == "good"));
        if (!accepted) ++refused;
    }
    CHECK(refused >= 200);
}

}  // namespace
}  // namespace confab::crypto
