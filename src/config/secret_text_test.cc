// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "config/secret_text.h"

#include <doctest/doctest.h>

#include <string>
#include <type_traits>
#include <utility>

namespace confab::config {
namespace {

template <typename T>
concept Comparable = requires(const T& a, const T& b) { a == b; };

std::string other_name(SecretText& secret, SecretText& alias) {
    // A self-assignment that no compiler sees.
    secret = alias;
    return std::string(secret.reveal());
}

}  // namespace

TEST_CASE("SecretText: survives copies and moves") {
    SecretText a("hidden");
    SecretText b = a;
    CHECK(a.reveal() == "hidden");
    SecretText c = std::move(a);
    CHECK(c.reveal() == "hidden");
    CHECK(b.size() == 6);

    b = SecretText("another");
    CHECK(b.reveal() == "another");
    c = b;
    CHECK(c.reveal() == "another");
    CHECK(b.reveal() == "another");
    c = SecretText();
    CHECK(c.empty());
    CHECK(c.size() == 0);
}

TEST_CASE("SecretText: assigned to itself it keeps its text") {
    SecretText secret("hidden");
    CHECK(other_name(secret, secret) == "hidden");
    SecretText& alias = secret;
    secret = std::move(alias);
    CHECK(secret.reveal() == "hidden");
}

TEST_CASE("SecretText: what is assigned over is wiped before its memory goes [IMM-16]") {
    // The shorter text fits into the memory of the longer one, so that it is still ours to look at.
    SecretText kept("hunter2-hunter2");
    const SecretText shorter("x");
    const char* const place = kept.reveal().data();
    kept = shorter;
    REQUIRE(kept.reveal().data() == place);
    for (std::size_t i = 1; i < 15; ++i)
        CHECK(place[i] == '\0');
}

TEST_CASE("SecretText: nothing is left in what was moved from [IMM-16]") {
    SecretText from("hunter2");
    SecretText to("old");
    to = std::move(from);
    CHECK(to.reveal() == "hunter2");
    CHECK(from.empty());  // NOLINT(bugprone-use-after-move): that is the question
}

TEST_CASE("SecretText: neither compares nor turns into a text by itself [IMM-16]") {
    CHECK(!Comparable<SecretText>);
    CHECK(!std::is_convertible_v<SecretText, std::string>);
    CHECK(!std::is_convertible_v<SecretText, std::string_view>);
    CHECK(!std::is_convertible_v<std::string_view, SecretText>);
}

}  // namespace confab::config
