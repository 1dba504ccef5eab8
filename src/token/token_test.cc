// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Access tokens: minting, verification, refusals and a corpus of malformed ones.
#include "token/token.h"

#include <doctest/doctest.h>

#include <set>

#include "base/text.h"
#include "crypto/jws.h"
#include "token/key_testing.h"
#include "token/revocations.h"

namespace confab::token {
namespace {

using testing::golden_keys;
using testing::kGoldenNow;
using testing::kGoldenSecret;

const KeyProvider::Key kKey{"devkey", kGoldenSecret};

std::string sign(std::string_view claims) {
    return crypto::jws_sign(as_bytes(claims), as_bytes(kGoldenSecret));
}
std::string sign_with_exp(const std::string& more) {
    return sign(R"({"iss":"devkey","exp":)" + std::to_string(kGoldenNow.s() + 60) + more + "}");
}
std::string refusal(std::string_view token) {
    const auto grants = verify_token(token, golden_keys(), kGoldenNow);
    if (grants) return "accepted";
    return grants.error().text;
}

Grants full_grants() {
    Grants grants;
    grants.identity = "ann";
    grants.name = "Ann \"A\" \n";
    grants.kind = livekit::ParticipantInfo::AGENT;
    grants.kind_details = {livekit::ParticipantInfo::CLOUD_AGENT,
                           livekit::ParticipantInfo::FORWARDED};
    grants.metadata = "{\"x\":1}";
    grants.attributes = {{"a", "1"}, {"b", "\xc3\xbc"}};
    VideoGrant& video = grants.video.emplace();
    video.room_join = true;
    video.room = "room";
    video.can_publish = false;
    video.can_subscribe = true;
    video.can_update_own_metadata = true;
    video.can_publish_sources = {livekit::CAMERA, livekit::SCREEN_SHARE_AUDIO};
    video.hidden = true;
    video.destination_room = "other";
    grants.sip = SipGrant{true, false};
    grants.agent = AgentGrant{false, true, true};
    grants.inference_perform = true;
    grants.observability_write = true;
    grants.room_config.emplace().set_max_participants(7);
    grants.room_preset = "preset";
    grants.sha256 = "abc=";
    return grants;
}

}  // namespace

TEST_CASE(
    "mint_token: verify_token reads back every grant "
    "[TOK-01] [TOK-03] [TOK-04] [TOK-06] [TOK-07] [TOK-08] [TOK-09]") {
    const Grants grants = full_grants();
    const std::string token = mint_token(grants, kKey, kGoldenNow, Duration::seconds(60));
    const auto read = verify_token(token, golden_keys(), kGoldenNow);
    REQUIRE(read);
    CHECK(read->api_key == "devkey");
    CHECK(read->identity == grants.identity);
    CHECK(read->name == grants.name);
    CHECK(read->kind == grants.kind);
    CHECK(read->kind_details == grants.kind_details);
    CHECK(read->metadata == grants.metadata);
    CHECK(read->attributes == grants.attributes);
    CHECK(read->video == grants.video);
    CHECK(read->sip == grants.sip);
    CHECK(read->agent == grants.agent);
    CHECK(read->inference_perform);
    CHECK(read->observability_write);
    REQUIRE(read->room_config);
    CHECK(read->room_config->max_participants() == 7);
    CHECK(read->room_preset == "preset");
    CHECK(read->sha256 == "abc=");
    CHECK(read->expires_at == kGoldenNow + Duration::seconds(60));
}

TEST_CASE(
    "verify_token: times have 60 s of leeway and exp is mandatory [TOK-01] [CON-21] [CON-47]") {
    const auto at = [](int exp, int nbf) {
        return refusal(sign(R"({"iss":"devkey","iat":99999999999,"exp":)" +
                            std::to_string(kGoldenNow.s() + exp) + R"(,"nbf":)" +
                            std::to_string(kGoldenNow.s() + nbf) + "}"));
    };
    CHECK(at(-60, 0) == "accepted");
    CHECK(at(-61, 0) == "invalid authorization token: token has invalid claims: token is expired");
    CHECK(at(60, 60) == "accepted");
    CHECK(at(60, 61) ==
          "invalid authorization token: token has invalid claims: token is not valid yet");
    CHECK(refusal(sign(R"({"iss":"devkey"})")).find("exp claim is required") != std::string::npos);
    CHECK(refusal(sign(R"({"iss":"devkey","exp":1e300})")) == "accepted");
    CHECK(refusal(sign(R"({"iss":"devkey","exp":-1e300})")).find("expired") != std::string::npos);
}

TEST_CASE("verify_token: a token was issued at the later one of nbf and iat [TOK-14]") {
    const auto issued = [](const std::string& claims) {
        return verify_token(sign_with_exp(claims), golden_keys(), kGoldenNow)->issued_at;
    };
    CHECK(issued(R"(,"nbf":12,"iat":34)") == UnixTime::seconds(34));
    CHECK(issued(R"(,"nbf":34,"iat":12)") == UnixTime::seconds(34));
    CHECK(issued(R"(,"nbf":0,"iat":34)") == UnixTime::seconds(34));
    CHECK(issued(R"(,"iat":34)") == UnixTime::seconds(34));
    CHECK(issued(R"(,"nbf":34)") == UnixTime::seconds(34));
}

TEST_CASE("verify_token: without nbf and iat it was issued six hours before its exp [TOK-14]") {
    const auto expires_at = [](UnixTime exp, UnixTime now) {
        return verify_token(
                   sign(
                       R"({"iss":"devkey","sub":"ann","video":{"roomJoin":true,"room":"r"},"exp":)" +
                       std::to_string(exp.s()) + "}"),
                   golden_keys(), now)
            .value();
    };
    const Duration day = Duration::seconds(86'400);
    CHECK(expires_at(kGoldenNow + kUsualTokenLifetime, kGoldenNow).issued_at == kGoldenNow);
    CHECK(expires_at(UnixTime::seconds(60), UnixTime()).issued_at == UnixTime());
    // Revoked are those that were minted before, and their refresh tokens; not those minted later.
    Revocations revocations;
    (void)revocations.revoke("r", "ann", kGoldenNow, kGoldenNow);
    const UnixTime before = kGoldenNow - Duration::seconds(1);
    Grants old = expires_at(before + kUsualTokenLifetime, before);
    CHECK(revocations.refuses(old));
    old = verify_token(mint_refresh_token(old, golden_keys(), kGoldenNow + day), golden_keys(),
                       kGoldenNow + day)
              .value();
    CHECK(revocations.refuses(old));
    const Grants later = expires_at(kGoldenNow + kUsualTokenLifetime, kGoldenNow);
    CHECK_FALSE(revocations.refuses(later));
    CHECK_FALSE(
        revocations.refuses(verify_token(mint_refresh_token(later, golden_keys(), kGoldenNow + day),
                                         golden_keys(), kGoldenNow + day)
                                .value()));
}

TEST_CASE("mint_refresh_token: as old as the token that it follows [TOK-12] [TOK-14]") {
    Grants grants = full_grants();
    const auto issued = [&] {
        const auto read = verify_token(mint_refresh_token(grants, golden_keys(), kGoldenNow),
                                       golden_keys(), kGoldenNow);
        return read ? read->issued_at : std::nullopt;
    };
    grants.issued_at = std::nullopt;  // nobody knows: any revocation is later
    CHECK(issued() == UnixTime());
    grants.issued_at = kGoldenNow - Duration::seconds(10);
    CHECK(issued() == grants.issued_at);
    grants.issued_at = kGoldenNow + Duration::seconds(60);  // as far as a clock may be ahead
    CHECK(issued() == grants.issued_at);
}

TEST_CASE("mint_refresh_token: as old, and for the same one, however often [TOK-12] [TOK-14]") {
    Grants grants = full_grants();
    grants.identity = "ann#x";
    grants.publishes_for = "ann";
    const UnixTime issued = kGoldenNow - Duration::seconds(10);
    grants.issued_at = issued;
    for (int i = 1; i <= 3; ++i) {
        const UnixTime now = kGoldenNow + Duration::seconds(300) * i;
        const auto read =
            verify_token(mint_refresh_token(grants, golden_keys(), now), golden_keys(), now);
        REQUIRE(read);
        grants = *read;
        CHECK(grants.issued_at == issued);
        CHECK(grants.publishes_for == "ann");
        CHECK(grants.identity == "ann#x");
    }
}

TEST_CASE("verify_token: the issuer selects the secret [TOK-02] [CON-21] [CON-47]") {
    CHECK(refusal(sign(R"({"iss":"nokey","exp":9999999999})")) == "invalid API key");
    CHECK(refusal(sign(R"({"exp":9999999999})")) == "invalid API key");
    const KeyMap two(std::map<std::string, std::string, std::less<>>{{"a", "sa"}, {"b", "sb"}});
    const std::string claims = R"({"iss":"b","exp":9999999999})";
    CHECK(verify_token(crypto::jws_sign(as_bytes(claims), as_bytes("sb")), two, kGoldenNow));
    CHECK_FALSE(verify_token(crypto::jws_sign(as_bytes(claims), as_bytes("sa")), two, kGoldenNow));
    CHECK(two.signing_key()->name == "a");
    CHECK_FALSE(KeyMap().signing_key());
}

TEST_CASE(
    "verify_token: sub is the identity, else jti; claim identity is ignored [TOK-01] [TOK-03]") {
    const auto identity = [](const std::string& more) {
        return verify_token(sign_with_exp(more), golden_keys(), kGoldenNow)->identity;
    };
    CHECK(identity(R"(,"sub":"s","jti":"j")") == "s");
    CHECK(identity(R"(,"sub":"","jti":"j")") == "j");
    CHECK(identity(R"(,"identity":"i")") == "");
}

TEST_CASE(
    "verify_token: a claim of the wrong type is malformed, null and unknown are ignored "
    "[TOK-04] [CON-21]") {
    const std::string prefix =
        "invalid authorization token: token is malformed: could not JSON decode claim: ";
    for (const char* claim :
         {R"(,"metadata":5)", R"(,"name":true)", R"(,"attributes":{"a":1})", R"(,"attributes":[])",
          R"(,"video":{"roomJoin":"true"})", R"(,"video":[])", R"(,"video":{"room":1})",
          R"(,"video":{"canPublish":"x"})", R"(,"video":{"canPublishSources":"camera"})",
          R"(,"video":{"canPublishSources":[1]})", R"(,"kind":1)", R"(,"kindDetails":"x")",
          R"(,"sip":{"admin":1})", R"(,"agent":{"admin":"y"})", R"(,"roomPreset":{})",
          R"(,"roomConfig":"x")", R"(,"roomConfig":{"maxParticipants":"many"})",
          R"(,"sha256":1)"}) {
        INFO(claim);
        CHECK(refusal(sign_with_exp(claim)).starts_with(prefix));
    }
    CHECK(refusal(sign_with_exp(R"(,"metadata":null,"video":null,"foo":1,"kind":"zz",)"
                                R"("roomConfig":{"unknown":1,"empty_timeout":5})")) == "accepted");
    const auto grants = verify_token(
        sign_with_exp(R"(,"metadata":null,"video":{"roomJoin":null,"bar":{}},"kind":"zz",)"
                      R"("roomConfig":{"unknown":1,"empty_timeout":5})"),
        golden_keys(), kGoldenNow);
    REQUIRE(grants);
    CHECK(grants->kind == livekit::ParticipantInfo::STANDARD);
    CHECK_FALSE(grants->video->room_join);
    CHECK(grants->room_config->empty_timeout() == 5);
}

TEST_CASE("verify_token: 200 and more malformed or forged tokens are refused [IMM-11] [CON-21]") {
    const std::string good = sign_with_exp(R"(,"sub":"a")");
    REQUIRE(refusal(good) == "accepted");
    const std::size_t first = good.find('.');
    const std::size_t last = good.rfind('.');
    const std::string payload = good.substr(first, last - first + 1);  // ".…."
    const auto encode = [](std::string_view text) {
        return base64_encode(as_bytes(text), Base64::kUrlNoPadding);
    };
    std::set<std::string> corpus;
    // Other algorithms, with and without a signature that would fit HS256.
    for (const char* alg : {"none", "None", "NONE", "nOnE", "", "HS384", "HS512", "hs256", "RS256",
                            "RS512", "ES256", "ES256K", "PS256", "EdDSA", "HS256 ", "dir"})
        for (const char* rest : {R"(","typ":"JWT"})", R"("})", R"(","kid":"../../dev/null"})",
                                 R"(","jwk":{"kty":"oct","k":"AA"}})", R"(","crit":["exp"]})"}) {
            const std::string header = encode(std::string(R"({"alg":")") + alg + rest);
            corpus.insert(header + payload);
            corpus.insert(header + good.substr(first));
        }
    for (const char* header :
         {"", "{", "{}", "[]", "null", "1", R"("HS256")", R"({"alg":null})", R"({"alg":1})",
          R"({"alg":["HS256"]})", R"({"typ":"JWT"})", R"({"alg":"none","alg":"HS256"})",
          R"({"alg":"HS256","alg":"none"})", R"({"alg":"HS256","crit":["x"],"x":1})"})
        corpus.insert(encode(header) + good.substr(first));
    // Wrong numbers of parts, wrong alphabets, truncations, one changed octet.
    for (const char* token :
         {".", "..", "...", "a.b.c", "a..c", ".b.", "Bearer", "a.b", "\xff.\xff.\xff"})
        corpus.insert(token);
    corpus.insert(good + ".");
    corpus.insert("." + good);
    corpus.insert(good + "=");
    corpus.insert(good + "A");
    corpus.insert(" " + good);
    for (std::size_t size = 0; size < good.size(); size += 2)
        corpus.insert(good.substr(0, size));
    for (std::size_t i = 0; i < good.size(); i += 3) {
        std::string changed = good;
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        corpus.insert(changed);
    }
    // Payloads that are no claims, correctly signed.
    for (const char* claims :
         {"", "null", "[]", "7", "\"x\"", "{", R"({"iss":1})", R"({"iss":"devkey","exp":"soon"})",
          R"({"iss":"devkey","exp":true})", R"({"iss":"devkey","exp":9999999999,"nbf":[]})",
          R"({"iss":"devkey","exp":9999999999,"sub":{}})", "{\"iss\":\"\xff\"}"})
        corpus.insert(sign(claims));
    corpus.erase(good);
    corpus.erase("");
    CHECK(corpus.size() >= 300);
    for (const std::string& token : corpus) {
        INFO(token);
        const auto grants = verify_token(token, golden_keys(), kGoldenNow);
        REQUIRE_FALSE(grants);
        // Nothing of the token is echoed but the name of the algorithm.
        CHECK(grants.error().text.size() < 120);
    }
}

TEST_CASE("mint_refresh_token: keeps what clients resume with, at least 10 minutes [TOK-12]") {
    Grants grants = full_grants();
    auto* egress = grants.room_config->mutable_egress()->mutable_room();
    egress->add_file_outputs()->mutable_s3()->set_secret("hush");
    egress->mutable_file_outputs(0)->set_filepath("kept");
    grants.expires_at = kGoldenNow + Duration::seconds(5);
    auto read = verify_token(mint_refresh_token(grants, golden_keys(), kGoldenNow), golden_keys(),
                             kGoldenNow);
    REQUIRE(read);
    CHECK(read->expires_at == kGoldenNow + Duration::seconds(600));
    CHECK(read->identity == "ann");
    CHECK(read->video == grants.video);
    CHECK(read->attributes == grants.attributes);
    CHECK(read->kind == grants.kind);
    CHECK(read->room_preset == "preset");
    CHECK_FALSE(read->sip);
    CHECK_FALSE(read->agent);
    CHECK(read->kind_details.empty());
    const auto& output = read->room_config->egress().room().file_outputs(0);
    CHECK_FALSE(output.has_s3());
    CHECK(output.filepath() == "kept");

    grants.expires_at = kGoldenNow + Duration::seconds(7200);
    read = verify_token(mint_refresh_token(grants, golden_keys(), kGoldenNow), golden_keys(),
                        kGoldenNow);
    CHECK(read->expires_at == kGoldenNow + Duration::seconds(7200));
}

TEST_CASE(
    "mint_refresh_token: signed with the key of the first token, while it is known [TOK-12]") {
    const KeyMap two(std::map<std::string, std::string, std::less<>>{{"a", "sa"}, {"b", "sb"}});
    Grants grants = full_grants();
    const auto issuer = [&](std::string key) {
        grants.api_key = std::move(key);
        const auto read =
            verify_token(mint_refresh_token(grants, two, kGoldenNow), two, kGoldenNow);
        return read ? read->api_key : read.error().text;
    };
    CHECK(issuer("a") == "a");
    CHECK(issuer("b") == "b");
    CHECK(issuer("withdrawn") == "a");
    CHECK(mint_refresh_token(grants, KeyMap(), kGoldenNow).empty());
}

TEST_CASE(
    "Kind and source names: read without regard to case, written in lower case "
    "[TOK-05] [TOK-07]") {
    CHECK(parse_kind("AgEnT") == livekit::ParticipantInfo::AGENT);
    CHECK(parse_kind("robot") == livekit::ParticipantInfo::STANDARD);
    for (const char* name :
         {"standard", "ingress", "egress", "sip", "agent", "connector", "bridge"})
        CHECK(to_text(parse_kind(name)) == name);
    for (const char* name : {"camera", "microphone", "screen_share", "screen_share_audio"})
        CHECK(to_text(parse_track_source(name)) == name);
}

}  // namespace confab::token
