// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tokens at their edges: times, headers that other libraries write, sizes, and what a refresh token
// keeps of the first one.
#include <doctest/doctest.h>

#include <string>

#include "base/text.h"
#include "crypto/hmac.h"
#include "crypto/jws.h"
#include "json/json.h"
#include "token/key_testing.h"
#include "token/limits.h"
#include "token/token.h"

namespace confab::token {
namespace {

using testing::golden_keys;
using testing::kGoldenNow;
using testing::kGoldenSecret;

const KeyProvider::Key kKey{"devkey", kGoldenSecret};

// With a header of one's own.
std::string sign(std::string_view header, std::string_view claims) {
    std::string token = base64_encode(as_bytes(header), Base64::kUrlNoPadding) + "." +
                        base64_encode(as_bytes(claims), Base64::kUrlNoPadding);
    const auto tag = crypto::hmac_sha256(as_bytes(kGoldenSecret), as_bytes(token));
    return token + "." + base64_encode(tag, Base64::kUrlNoPadding);
}
std::string sign(std::string_view claims) {
    return crypto::jws_sign(as_bytes(claims), as_bytes(kGoldenSecret));
}
std::string outcome(std::string_view token, UnixTime now = kGoldenNow) {
    const auto grants = verify_token(token, golden_keys(), now);
    return grants ? "accepted" : grants.error().text;
}
std::string claims_of(const std::string& token) {
    const auto jws = crypto::jws_parse(token);
    REQUIRE(jws);
    return std::string(as_text(jws->payload));
}
Grants person() {
    Grants grants;
    grants.api_key = "devkey";
    grants.identity = "ann";
    grants.video.emplace().room_join = true;
    return grants;
}
Grants refreshed(const Grants& grants, UnixTime now = kGoldenNow) {
    auto read = verify_token(mint_refresh_token(grants, golden_keys(), now), golden_keys(), now);
    REQUIRE_MESSAGE(read, read.error().text);
    return *std::move(read);
}

constexpr std::string_view kGood = R"({"iss":"devkey","sub":"a","exp":9999999999})";

}  // namespace

TEST_CASE("verify_token: what other libraries put into the header does not matter [TOK-01]") {
    for (const char* header :
         {R"({"alg":"HS256"})", R"({"typ":"JWT","alg":"HS256"})",
          R"({"alg":"HS256","kid":"devkey","typ":"JWT"})", R"({"alg":"HS256","kid":"other"})",
          R"({"alg":"HS256","typ":"at+jwt","x5u":"https://evil.example/"})"}) {
        CAPTURE(header);
        CHECK(outcome(sign(header, kGood)) == "accepted");
    }
    // The key is that of the issuer, whatever "kid" says.
    CHECK(outcome(sign(R"({"alg":"HS256","kid":"devkey"})",
                       R"({"iss":"other","exp":9999999999})")) == "invalid API key");
    // Signed as HS256 would be, but said to be something else.
    CHECK(
        outcome(sign(R"({"alg":"none"})", kGood)) ==
        "invalid authorization token: token signature is invalid: signing method none is invalid");
    CHECK(
        outcome(sign(R"({"alg":"HS512"})", kGood)) ==
        "invalid authorization token: token signature is invalid: signing method HS512 is invalid");
    const std::string good = sign(kGood);
    CHECK(outcome(good.substr(0, good.rfind('.') + 1)) ==
          "invalid authorization token: token signature is invalid: signature is invalid");
}

TEST_CASE("verify_token: an unknown key is told before a wrong signature [CON-21]") {
    const std::string secret = "another secret of thirty-two octets";
    const auto with = [&](std::string_view claims) {
        return crypto::jws_sign(as_bytes(claims), as_bytes(secret));
    };
    CHECK(outcome(with(R"({"iss":"nokey","exp":1})")) == "invalid API key");
    // And a wrong signature before what the claims say, which may be anybody's.
    const std::string forged =
        "invalid authorization token: token signature is invalid: signature is invalid";
    CHECK(outcome(with(R"({"iss":"devkey","exp":1})")) == forged);
    CHECK(outcome(with(R"({"iss":"devkey","exp":9999999999,"video":7})")) == forged);
}

TEST_CASE("verify_token: dates of any size and sign, whole and broken [TOK-01] [CON-47]") {
    const auto claims = [](const std::string& dates) {
        return outcome(sign(R"({"iss":"devkey",)" + dates + "}"));
    };
    const std::string now = std::to_string(kGoldenNow.s());
    CHECK(claims("\"exp\":" + now + ".75") == "accepted");
    CHECK(claims(R"("exp":253402300799)") == "accepted");
    CHECK(claims(R"("exp":1e18)") == "accepted");
    CHECK(claims(R"("exp":0)").ends_with("token is expired"));
    CHECK(claims(R"("exp":-9999999999)").ends_with("token is expired"));
    CHECK(claims(R"("exp":null)").ends_with("exp claim is required"));
    CHECK(claims(R"("exp":9999999999,"nbf":null,"iat":null)") == "accepted");
    CHECK(claims(R"("exp":9999999999,"nbf":-1)") == "accepted");
    CHECK(claims(R"("exp":9999999999,"nbf":1e300)").ends_with("token is not valid yet"));
    // iat is not compared, but it has to be a date.
    CHECK(claims(R"("exp":9999999999,"iat":1e300)") == "accepted");
    CHECK(claims(R"("exp":9999999999,"iat":"now")") == "invalid authorization token");
    // A date as a text of digits is one, as for livekit-server.
    CHECK(claims(R"("exp":"9999999999","nbf":"1","iat":"1.5")") == "accepted");
    CHECK(claims(R"("exp":"1")").ends_with("token is expired"));
    CHECK(claims(R"("exp":9999999999,"nbf":"9999999998")").ends_with("token is not valid yet"));
    for (const char* date : {R"("")", R"(" 9999999999")", R"("9999999999 ")", R"("0x7fffffff")",
                             R"("01")", R"("{}")", R"("null")", R"("true")", "true", "[1]"}) {
        CAPTURE(date);
        CHECK(claims(std::string(R"("exp":)") + date) == "invalid authorization token");
    }
    // Expired and not valid yet: that it is over is said.
    CHECK(claims(R"("exp":1,"nbf":9999999999)").ends_with("token is expired"));
    // Both edges, a second apart.
    const std::string token = mint_token(person(), kKey, kGoldenNow, Duration::seconds(10));
    CHECK(outcome(token, kGoldenNow + Duration::seconds(70)) == "accepted");
    CHECK(outcome(token, kGoldenNow + Duration::seconds(71)).ends_with("token is expired"));
    CHECK(outcome(token, kGoldenNow - Duration::seconds(60)) == "accepted");
    CHECK(outcome(token, kGoldenNow - Duration::seconds(61)).ends_with("token is not valid yet"));
}

TEST_CASE("verify_token: a claim that stands twice counts as its last, as for Go [TOK-03]") {
    const auto identity = [](const std::string& more) {
        const auto grants = verify_token(sign(R"({"iss":"devkey","exp":9999999999)" + more + "}"),
                                         golden_keys(), kGoldenNow);
        REQUIRE(grants);
        return grants->identity;
    };
    CHECK(identity(R"(,"sub":"a","sub":"b")") == "b");
    CHECK(identity(R"(,"sub":null,"jti":"j")") == "j");
    CHECK(identity(R"(,"sub":"Z\u00fcrich")") == "Z\xc3\xbcrich");
    // Cut in the middle of an emoji, as slice() of JavaScript does.
    CHECK(identity(R"(,"sub":"Hello \ud83d")") == "Hello \xef\xbf\xbd");
}

TEST_CASE("verify_token: refusals of claims say which, but not what it said [CON-21] [CON-47]") {
    const std::string text =
        outcome(sign(R"({"iss":"devkey","exp":9999999999,"video":{"canPublish":"my secret"}})"));
    CHECK(text ==
          "invalid authorization token: token is malformed: could not JSON decode claim: "
          "video.canPublish is of type string");
}

TEST_CASE("verify_token: as long as a request may be, and no longer [TOK-01] [IMM-11]") {
    const auto padded = [](std::size_t size) {
        return sign(R"({"iss":"devkey","exp":9999999999,"x":")" + std::string(size, 'x') + "\"}");
    };
    CHECK(outcome(padded(crypto::kMaxJwsSize / 2)) == "accepted");
    CHECK(outcome(padded(crypto::kMaxJwsSize)) == "invalid authorization token");
    // Deep and wide claims are refused before they cost anything.
    CHECK(outcome(sign(R"({"iss":"devkey","exp":9999999999,"x":)" + std::string(1'000, '[') +
                       std::string(1'000, ']') + "}")) == "invalid authorization token");
}

TEST_CASE("mint_token: the claims as LiveKit writes them, without empty ones [TOK-01] [TOK-03]") {
    const std::string now = std::to_string(kGoldenNow.s());
    const std::string end = std::to_string(kGoldenNow.s() + 60);
    const std::string dates = R"("iat":)" + now + R"(,"nbf":)" + now + R"(,"exp":)" + end;
    CHECK(claims_of(mint_token(Grants{}, kKey, kGoldenNow, Duration::seconds(60))) ==
          R"({"iss":"devkey",)" + dates + "}");
    CHECK(claims_of(mint_token(person(), kKey, kGoldenNow, Duration::seconds(60))) ==
          R"({"iss":"devkey","sub":"ann",)" + dates + R"(,"video":{"roomJoin":true}})");
    CHECK(claims_of(mint_job_token(person(), kKey, kGoldenNow, Duration::seconds(60))) ==
          R"({"iss":"devkey","sub":"ann","identity":"ann",)" + dates +
              R"(,"video":{"roomJoin":true}})");
    Grants other = person();
    other.api_key = "somebody";  // the one that signs is said
    other.expires_at = UnixTime::seconds(1);
    CHECK(mint_token(other, kKey, kGoldenNow, Duration::seconds(60)) ==
          mint_token(person(), kKey, kGoldenNow, Duration::seconds(60)));
}

TEST_CASE("mint_refresh_token: all that clients come back with, and nothing more [TOK-12]") {
    Grants grants = person();
    grants.name = "Ann";
    grants.metadata = "m";
    grants.attributes = {{"a", "1"}};
    grants.kind = livekit::ParticipantInfo::SIP;
    grants.room_preset = "preset";
    grants.sip = SipGrant{true, true};
    grants.inference_perform = true;
    grants.observability_write = true;
    grants.sha256 = "abc=";
    VideoGrant& video = *grants.video;
    video.room_create = video.room_list = video.room_record = video.room_admin = true;
    video.ingress_admin = video.hidden = video.recorder = video.agent = true;
    video.room = "here";
    video.destination_room = "there";
    video.can_publish_sources = {livekit::CAMERA};
    video.can_publish = video.can_subscribe = video.can_publish_data = false;
    video.can_update_own_metadata = video.can_subscribe_metrics = true;
    const Grants kept = refreshed(grants);
    CHECK(kept.identity == "ann");
    CHECK(kept.name == "Ann");
    CHECK(kept.metadata == "m");
    CHECK(kept.attributes == grants.attributes);
    CHECK(kept.kind == livekit::ParticipantInfo::SIP);
    CHECK(kept.room_preset == "preset");
    CHECK(kept.video == grants.video);
    CHECK_FALSE(kept.sip);
    CHECK_FALSE(kept.inference_perform);
    CHECK_FALSE(kept.observability_write);
    CHECK(kept.sha256.empty());
}

TEST_CASE(
    "mint_refresh_token: lives as long as the first would have, ten minutes at least [TOK-12]") {
    const auto left = [](std::optional<Duration> rest) {
        Grants grants = person();
        if (rest) grants.expires_at = kGoldenNow + *rest;
        return (*refreshed(grants).expires_at - kGoldenNow).us() / 1'000'000;
    };
    CHECK(left(Duration::seconds(599)) == 600);
    CHECK(left(Duration::seconds(600)) == 600);
    CHECK(left(Duration::seconds(601)) == 601);
    CHECK(left(Duration::seconds(-100'000)) == 600);  // a long call: expired long ago
    CHECK(left(std::nullopt) == 600);
    CHECK(left(UnixTime::seconds(253'402'300'799) - kGoldenNow) ==
          253'402'300'799 - kGoldenNow.s());
}

TEST_CASE("mint_refresh_token: a refreshed token can be refreshed, and says the same [TOK-12]") {
    Grants grants = person();
    grants.video->can_publish = false;
    grants.video->room_admin = true;
    UnixTime now = kGoldenNow;
    for (int i = 0; i < 50; ++i, now = now + Duration::seconds(300))
        grants = refreshed(grants, now);
    CHECK(grants.video->can_publish == false);
    CHECK(grants.video->room_admin);
    CHECK(grants.api_key == "devkey");
    CHECK(*grants.expires_at == now + Duration::seconds(300));
}

// Who may have this much must be able to come back with it.
TEST_CASE(
    "mint_refresh_token: the most that the limits allow is still a token [TOK-12] [ROOM-07]") {
    constexpr Limits limits;
    Grants grants = person();
    grants.identity = std::string(limits.identity, 'i');
    grants.name = std::string(limits.participant_name, 'n');
    grants.metadata = std::string(limits.metadata, 'm');
    grants.attributes["a"] = std::string(limits.attributes - 1, 'a');
    const Grants kept = refreshed(grants);
    CHECK(kept.metadata == grants.metadata);
    CHECK(kept.attributes == grants.attributes);
}

}  // namespace confab::token
