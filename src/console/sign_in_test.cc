// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/sign_in.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "crypto/jws.h"
#include "token/key_testing.h"

namespace confab::console {
namespace {

using token::testing::golden_keys;
using token::testing::kGoldenNow;
using token::testing::kGoldenSecret;

const Bytes kOwnSecret(32, 7);

struct Door {
    explicit Door(token::KeyMap with = golden_keys()) : keys(std::move(with)) {
        sign_in.set_passwords({"open-sesame", "only-look"});
    }
    token::KeyMap keys;
    SignIn sign_in{keys, kOwnSecret};

    std::string cookie(const std::string& password) {
        const auto session = sign_in.by_password(password, kGoldenNow, "id-" + password);
        REQUIRE(session);
        return sign_in.sign(*session);
    }
    std::string cookie_of_key() {
        const auto session = sign_in.by_key("devkey", kGoldenSecret, kGoldenNow, "id-key");
        REQUIRE(session);
        return sign_in.sign(*session);
    }
};

}  // namespace

TEST_CASE("SignIn: an API key with its secret makes an operator, passwords what they are of") {
    Door door;
    const auto by_key = door.sign_in.by_key("devkey", kGoldenSecret, kGoldenNow, "1");
    REQUIRE(by_key);
    CHECK(by_key->role == Role::kOperator);
    CHECK(by_key->name == "devkey");
    CHECK(by_key->expires == kGoldenNow + kSessionTime);
    CHECK(door.sign_in.by_password("open-sesame", kGoldenNow, "2")->role == Role::kOperator);
    CHECK(door.sign_in.by_password("only-look", kGoldenNow, "3")->role == Role::kViewer);
}

TEST_CASE("SignIn: what is wrong, missing or empty lets nobody in") {
    Door door;
    const auto wrong = [&](std::string_view key, std::string_view secret) {
        const auto session = door.sign_in.by_key(key, secret, kGoldenNow, "1");
        return !session && session.error() == SignInError::kWrong;
    };
    CHECK(wrong("devkey", "secret"));
    CHECK(wrong("devkey", ""));
    CHECK(wrong("nokey", kGoldenSecret));
    CHECK(wrong("nokey", ""));
    CHECK_FALSE(door.sign_in.by_password("open-sesam", kGoldenNow, "1"));
    CHECK_FALSE(door.sign_in.by_password("", kGoldenNow, "1"));
    door.sign_in.set_passwords({});
    CHECK_FALSE(door.sign_in.by_password("", kGoldenNow, "1"));
    CHECK_FALSE(door.sign_in.by_password("open-sesame", kGoldenNow, "1"));
}

TEST_CASE("SignIn: a tenant's key does not open what shows all") {
    token::KeyMap keys = golden_keys();
    keys.set_tenants({{"devkey", "acme"}});
    Door door(keys);
    const auto session = door.sign_in.by_key("devkey", kGoldenSecret, kGoldenNow, "1");
    REQUIRE_FALSE(session);
    CHECK(session.error() == SignInError::kTenant);
    CHECK(door.sign_in.by_key("devkey", "guess", kGoldenNow, "1").error() == SignInError::kWrong);
}

TEST_CASE("SignIn: a cookie is read as it was signed, until its time is over") {
    Door door;
    const auto session = door.sign_in.read(door.cookie_of_key(), kGoldenNow);
    REQUIRE(session);
    CHECK(session->role == Role::kOperator);
    CHECK(session->name == "devkey");
    CHECK(session->by_key);
    CHECK(session->id == "id-key");
    const std::string viewer = door.cookie("only-look");
    CHECK(door.sign_in.read(viewer, kGoldenNow)->role == Role::kViewer);
    CHECK(door.sign_in.read(viewer, kGoldenNow + kSessionTime - Duration::seconds(1)));
    CHECK_FALSE(door.sign_in.read(viewer, kGoldenNow + kSessionTime));
}

TEST_CASE("SignIn: whoever changes a cookie has none") {
    Door door;
    const std::string viewer = door.cookie("only-look");
    // The same words with another role, under the viewer's own signature.
    const auto parsed = crypto::jws_parse(viewer);
    REQUIRE(parsed);
    std::string payload(as_text(parsed->payload));
    payload.replace(payload.find("viewer"), 6, "operator");
    const std::size_t first = viewer.find('.');
    const std::size_t last = viewer.rfind('.');
    const std::string forged = viewer.substr(0, first + 1) +
                               base64_encode(as_bytes(payload), Base64::kUrlNoPadding) +
                               viewer.substr(last);
    CHECK_FALSE(door.sign_in.read(forged, kGoldenNow));
    // Signed with what everybody may know, or with the key's secret itself, as access tokens are.
    for (const std::string& key : {std::string("only-look"), kGoldenSecret, std::string()})
        CHECK_FALSE(
            door.sign_in.read(crypto::jws_sign(parsed->payload, as_bytes(key)), kGoldenNow));
    for (const std::string& bad : {std::string(), std::string("a.b.c"), viewer + "x",
                                   viewer.substr(1), std::string(5000, 'a')})
        CHECK_FALSE(door.sign_in.read(bad, kGoldenNow));
}

TEST_CASE("SignIn: an access token of the same key is no cookie") {
    Door door;
    token::Grants grants;
    grants.identity = "somebody";
    const std::string access =
        token::mint_token(grants, *door.keys.signing_key(), kGoldenNow, Duration::seconds(600));
    CHECK_FALSE(door.sign_in.read(access, kGoldenNow));
}

TEST_CASE("SignIn: a session ends with the secret that it began by") {
    Door door;
    const std::string by_key = door.cookie_of_key();
    const std::string of_operator = door.cookie("open-sesame");
    const std::string viewer = door.cookie("only-look");
    door.sign_in.set_passwords({"another", "only-look"});
    CHECK_FALSE(door.sign_in.read(of_operator, kGoldenNow));
    CHECK(door.sign_in.read(viewer, kGoldenNow));
    CHECK(door.sign_in.read(by_key, kGoldenNow));
    door.sign_in.set_passwords({"another", ""});
    CHECK_FALSE(door.sign_in.read(viewer, kGoldenNow));
    door.keys = token::KeyMap(token::KeyMap::Texts{{"devkey", "another-secret-of-32-characters."}});
    CHECK_FALSE(door.sign_in.read(by_key, kGoldenNow));
    door.keys = token::KeyMap(token::KeyMap::Texts{{"other", kGoldenSecret}});
    CHECK_FALSE(door.sign_in.read(by_key, kGoldenNow));
    // The key is a tenant's from now on.
    door.keys = golden_keys();
    CHECK(door.sign_in.read(by_key, kGoldenNow));
    door.keys.set_tenants({{"devkey", "acme"}});
    CHECK_FALSE(door.sign_in.read(by_key, kGoldenNow));
}

TEST_CASE("SignIn: other nodes with the same secrets know a session, after a restart too") {
    Door first;
    Door second;
    CHECK(second.sign_in.read(first.cookie("open-sesame"), kGoldenNow));
    CHECK(second.sign_in.read(first.cookie_of_key(), kGoldenNow));
}

TEST_CASE("SignIn: who signed out has no session, and others have theirs") {
    Door door;
    const std::string cookie = door.cookie("open-sesame");
    const std::string viewer = door.cookie("only-look");
    door.sign_in.sign_out(*door.sign_in.read(cookie, kGoldenNow), kGoldenNow);
    CHECK_FALSE(door.sign_in.read(cookie, kGoldenNow));
    CHECK(door.sign_in.read(viewer, kGoldenNow));
}

TEST_CASE("SignIn: of too many that signed out the first are forgotten") {
    Door door;
    const auto at = [&](std::size_t number) {
        return door.sign_in.by_password(
            "only-look", kGoldenNow + Duration::micros(static_cast<std::int64_t>(number)),
            std::to_string(number));
    };
    const std::string first = door.sign_in.sign(*at(0));
    const std::string second = door.sign_in.sign(*at(1));
    for (std::size_t i = 0; i < SignedOut::kMax; ++i)
        door.sign_in.sign_out(*at(i), kGoldenNow);
    CHECK_FALSE(door.sign_in.read(first, kGoldenNow));
    door.sign_in.sign_out(*at(SignedOut::kMax), kGoldenNow);
    CHECK(door.sign_in.read(first, kGoldenNow));
    CHECK_FALSE(door.sign_in.read(second, kGoldenNow));
}

TEST_CASE("SignIn: a cookie is found among others, and written so that scripts do not see it") {
    CHECK(find_cookie("confab_console=a.b", "confab_console") == "a.b");
    CHECK(find_cookie("x=1; confab_console=a.b; y=2", "confab_console") == "a.b");
    CHECK(find_cookie("xconfab_console=1;confab_console=", "confab_console").empty());
    CHECK(find_cookie("", "confab_console").empty());
    CHECK(find_cookie("confab_console", "confab_console").empty());
    CHECK(cookie_header("v", true) ==
          "confab_console=v; Path=/console; HttpOnly; SameSite=Strict; Max-Age=43200; Secure");
    CHECK(cookie_header("", false) ==
          "confab_console=; Path=/console; HttpOnly; SameSite=Strict; Max-Age=0");
}

}  // namespace confab::console
