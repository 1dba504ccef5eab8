// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Keys of tenants: whose a token is, what a refresh token is signed with, what is revoked.
#include <doctest/doctest.h>

#include "token/revocations.h"
#include "token/token.h"

namespace confab::token {
namespace {

constexpr UnixTime kNow = UnixTime::seconds(1'800'000'000);

KeyMap::Texts secrets() {
    KeyMap::Texts all;
    for (const char* name : {"free", "keyA", "keyA2", "keyB"})
        all[name] = std::string("a-secret-of-thirty-two-characters-") + name;
    return all;
}
KeyMap keys(KeyMap::Texts tenants = {{"keyA", "acme"}, {"keyA2", "acme"}, {"keyB", "globex"}}) {
    KeyMap result(secrets());
    result.set_tenants(std::move(tenants));
    return result;
}

Grants grants_for(const std::string& room) {
    Grants grants;
    grants.identity = "alice";
    grants.video.emplace().room = room;
    return grants;
}
std::string signed_with(const std::string& key, const Grants& grants = grants_for("r")) {
    return mint_token(grants, *keys().find_key(key), kNow, Duration::seconds(600));
}
std::string issuer(const std::string& token) {
    const auto grants = verify_token(token, keys(), kNow);
    return grants ? grants->api_key : "";
}

}  // namespace

TEST_CASE("verify_token: the tenant is that of the key, never that of a claim [TEN-01]") {
    for (const auto& [key, tenant] :
         KeyMap::Texts{{"free", ""}, {"keyA", "acme"}, {"keyA2", "acme"}, {"keyB", "globex"}}) {
        Grants claims = grants_for("r");
        claims.tenant = "other";
        claims.attributes["confab.tenant"] = "other";
        const auto grants = verify_token(signed_with(key, claims), keys(), kNow);
        REQUIRE(grants);
        CHECK(grants->tenant == tenant);
        CHECK(room_key(*grants) == room_key(tenant, "r"));
    }
}

TEST_CASE("KeyMap: which tenants there are, and a key of each [TEN-01]") {
    const KeyMap map = keys();
    CHECK(map.tenants() == std::set<std::string>{"acme", "globex"});
    CHECK(map.signing_key()->name == "free");
    CHECK(map.signing_key_of("acme")->name == "keyA");
    CHECK(map.signing_key_of("globex")->secret == secrets()["keyB"]);
    CHECK_FALSE(map.signing_key_of("nobody"));
    CHECK_FALSE(map.find_key("nobody"));
    CHECK(map.find_secret("keyB") == secrets()["keyB"]);
    CHECK(KeyMap(secrets()).tenants().empty());
    CHECK_FALSE(keys({{"free", "x"}, {"keyA", "x"}, {"keyA2", "x"}, {"keyB", "x"}}).signing_key());
}

TEST_CASE("mint_refresh_token: signed for the tenant it came from, or not at all [TEN-06]") {
    const Grants grants = *verify_token(signed_with("keyA2"), keys(), kNow);
    CHECK(issuer(mint_refresh_token(grants, keys(), kNow)) == "keyA2");
    // The key has gone to another tenant: another one of its own signs.
    const KeyMap moved = keys({{"keyA", "acme"}, {"keyA2", "globex"}, {"keyB", "globex"}});
    CHECK(issuer(mint_refresh_token(grants, moved, kNow)) == "keyA");
    // The tenant has no key any more; the others are no one's to sign with.
    const KeyMap gone = keys({{"keyA", "globex"}, {"keyA2", "globex"}, {"keyB", "globex"}});
    CHECK(mint_refresh_token(grants, gone, kNow).empty());
    // Nor is an operator's room entered with a tenant's key.
    const Grants operators = *verify_token(signed_with("free"), keys(), kNow);
    CHECK(issuer(mint_refresh_token(operators, keys(), kNow)) == "free");
    const KeyMap taken = keys({{"free", "acme"}, {"keyA", "acme"}, {"keyA2", "acme"}});
    CHECK(issuer(mint_refresh_token(operators, taken, kNow)) == "keyB");
}

TEST_CASE("Revocations: of one tenant's room [TEN-03] [TOK-14]") {
    Revocations revocations;
    (void)revocations.revoke(room_key("acme", "r"), "alice", kNow + Duration::seconds(60), kNow);
    CHECK(revocations.refuses(*verify_token(signed_with("keyA"), keys(), kNow)));
    CHECK(revocations.refuses(*verify_token(signed_with("keyA2"), keys(), kNow)));
    CHECK_FALSE(revocations.refuses(*verify_token(signed_with("keyB"), keys(), kNow)));
    CHECK_FALSE(revocations.refuses(*verify_token(signed_with("free"), keys(), kNow)));
}

}  // namespace confab::token
