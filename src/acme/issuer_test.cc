// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "acme/issuer.h"

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "acme/acme_testing.h"
#include "acme/signed_request.h"

namespace confab::acme {

namespace {

constexpr Duration kDay = Duration::seconds(86'400);
constexpr UnixTime kEnd = kBegin + Duration::seconds(90 * 86'400);

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

}  // namespace

std::string Scene::chain(UnixTime begin, UnixTime end, const std::vector<std::string>& names) {
    const crypto::Secret pem = last_key->pem();
    BIO* const source = BIO_new_mem_buf(pem.view().data(), static_cast<int>(pem.size()));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(source, nullptr, nullptr, nullptr);
    X509* const made = X509_new();
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    ASN1_TIME_set(X509_getm_notBefore(made), begin.s());
    ASN1_TIME_set(X509_getm_notAfter(made), end.s());
    X509_set_pubkey(made, key);
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "DNS:" : ",DNS:") + name;
    X509_EXTENSION* const extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, text.c_str());
    X509_add_ext(made, extension, -1);
    X509_sign(made, key, EVP_sha256());
    BIO* const out = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(out, made);
    char* data = nullptr;
    const long size = BIO_get_mem_data(out, &data);
    std::string result(data, static_cast<std::size_t>(size));
    BIO_free(out);
    X509_EXTENSION_free(extension);
    X509_free(made);
    EVP_PKEY_free(key);
    BIO_free(source);
    return result;
}

TEST_CASE("Issuer: from nothing to a certificate, step by step (RFC 8555 §7) [TURN-18]") {
    Scene scene;
    scene.issuer.handle_timeout(scene.at);
    const Request directory = scene.next("directory");
    CHECK(directory.body.empty());
    CHECK_FALSE(scene.issuer.poll_transmit());  // one at a time
    scene.issuer.handle_response(scene.at, {200, directory_json(), "", "", ""});
    CHECK(scene.next("nonce").method == "HEAD");
    scene.answer(200, "");
    const Request account = scene.next("account");
    CHECK(account.content_type == kSignedType);
    const SignedParts asked = parts_of(account);
    CHECK(asked.head.find("alg")->string == "ES256");
    CHECK(asked.head.find("nonce")->string == "nonce1");
    CHECK(asked.head.find("url")->string == "https://ca.test/account");
    CHECK(asked.head.find("jwk") != nullptr);
    CHECK(asked.head.find("kid") == nullptr);
    CHECK(asked.payload ==
          R"({"termsOfServiceAgreed":true,"contact":["mailto:operator@meet.test"]})");
    scene.answer(201, "{}", "https://ca.test/account/1");
    const SignedParts order = parts_of(scene.next("order"));
    CHECK(order.head.find("kid")->string == "https://ca.test/account/1");
    CHECK(order.head.find("nonce")->string == "nonce2");
    CHECK(order.payload == R"({"identifiers":[{"type":"dns","value":"meet.test"}]})");
    scene.answer(201, order_json("pending"), "https://ca.test/order/1");
    CHECK(parts_of(scene.next("authorization/0")).payload.empty());
    CHECK(scene.challenges.empty());
    scene.answer(200, authorization_json("pending"));
    // It is to be shown before the authority is told to look.
    REQUIRE(scene.challenges.size() == 1);
    CHECK(scene.challenges[0].kind == ChallengeKind::kTlsAlpn01);
    CHECK(scene.challenges[0].domain == "meet.test");
    CHECK(scene.challenges[0].key_authorization.starts_with("t2."));
    CHECK(parts_of(scene.next("c/2")).payload == "{}");
    scene.answer(200, "{}");
    CHECK_FALSE(scene.issuer.poll_transmit());
    scene.wait();
    scene.next("authorization/0");
    scene.answer(200, authorization_json("pending"));
    scene.wait();
    scene.next("authorization/0");
    scene.answer(200, authorization_json("valid"));
    CHECK(parts_of(scene.next("finalize")).payload.starts_with(R"({"csr":")"));
    scene.answer(200, order_json("processing"));
    scene.wait();
    scene.next("order/1");
    scene.answer(200, order_json("valid", 1, R"(,"certificate":"https://ca.test/certificate")"));
    scene.next("certificate");
    CHECK(scene.issued == 0);
    scene.answer(200, scene.chain(kBegin, kEnd));
    CHECK(scene.issued == 1);
    CHECK(scene.challenges.empty());
    CHECK(scene.failures.empty());
    CHECK(scene.issuer.due() == kBegin + Duration::seconds(60 * 86'400));
}

TEST_CASE("Issuer: the next certificate is due at two thirds of the life of this one [TURN-18]") {
    Scene scene;
    scene.begin();
    scene.authorize();
    scene.finish(kBegin, kEnd);
    REQUIRE(scene.issued == 1);
    std::size_t looks = 0;
    while (scene.at.wall < kBegin + Duration::seconds(60 * 86'400)) {
        CHECK_FALSE(scene.issuer.poll_transmit());
        scene.wait();
        ++looks;
    }
    CHECK(looks >= 60 * 24);  // however the clock is set, it notices within the hour
    CHECK(scene.at.wall == kBegin + Duration::seconds(60 * 86'400));
    // The account is known; all else is asked anew.
    scene.next("directory");
    scene.answer(200, directory_json());
    scene.next("order");
    scene.answer(201, order_json("ready"), "https://ca.test/order/2");
    const UnixTime now = scene.at.wall;
    scene.finish(now, now + Duration::seconds(90 * 86'400));
    CHECK(scene.issued == 2);
    CHECK(scene.issuer.due() == now + Duration::seconds(60 * 86'400));
}

TEST_CASE("Issuer: a certificate that is kept is not asked for again before its time [TURN-18]") {
    Scene scene;
    scene.issuer.set_life(scene.at, kBegin - kDay, kBegin + kDay + kDay);
    scene.issuer.handle_timeout(scene.at);
    CHECK_FALSE(scene.issuer.poll_transmit());
    for (int i = 0; i < 24; ++i)
        scene.wait();
    CHECK(scene.issuer.poll_transmit());
    Scene late;
    late.issuer.set_life(late.at, kBegin - kDay - kDay, kBegin);
    late.issuer.handle_timeout(late.at);
    CHECK(late.issuer.poll_transmit());
}

TEST_CASE("Issuer: a refused nonce is exchanged, five times in a row [TURN-18]") {
    Scene scene;
    scene.begin();
    for (std::size_t i = 0; i < Issuer::kMaxNonces; ++i) {
        scene.next("authorization/0");
        scene.answer(400, problem_json("badNonce", "old"));
        CHECK(scene.failures.empty());
    }
    CHECK(parts_of(scene.next("authorization/0")).head.find("nonce")->string ==
          "nonce" + std::to_string(scene.nonces));
    scene.answer(200, authorization_json("pending"));
    for (std::size_t i = 0; i <= Issuer::kMaxNonces; ++i) {
        CHECK(scene.failures.empty());
        scene.next("c/2");
        scene.answer(400, problem_json("badNonce", "old"));
    }
    REQUIRE(scene.failures.size() == 1);
    CHECK(has(scene.failures[0].why, "badNonce"));
    CHECK(scene.challenges.empty());
}

TEST_CASE("Issuer: without a nonce in the answer it asks for one [TURN-18]") {
    Scene scene;
    scene.begin();
    scene.next("authorization/0");
    scene.issuer.handle_response(scene.at, {200, authorization_json("pending"), "", "", ""});
    scene.get_nonce();
    scene.next("c/2");
    scene.issuer.handle_response(scene.at, {200, "{}", "not a nonce!", "", ""});
    scene.wait();
    CHECK(scene.next("nonce").method == "HEAD");
    scene.issuer.handle_response(scene.at, {200, "", "", "", ""});
    scene.drain();
    REQUIRE(scene.failures.size() == 1);
    CHECK(has(scene.failures[0].why, "no nonce"));
}

TEST_CASE("Issuer: what fails is tried again later and later, not before Retry-After [TURN-18]") {
    Scene scene;
    scene.issuer.handle_timeout(scene.at);
    Duration before = Duration::zero();
    for (int i = 0; i < 14; ++i) {
        CAPTURE(i);
        scene.next("directory");
        scene.issuer.handle_lost(scene.at, "refused\n");
        scene.drain();
        REQUIRE(scene.failures.size() == static_cast<std::size_t>(i + 1));
        const Failed& failed = scene.failures.back();
        CHECK(has(failed.why, "no answer from https://ca.test/directory: refused ;"));
        const Duration least = std::min(Issuer::kFirstPause.us() << i > Issuer::kLongestPause.us()
                                            ? Issuer::kLongestPause
                                            : Duration::micros(Issuer::kFirstPause.us() << i),
                                        Issuer::kLongestPause);
        CHECK(failed.again >= least);
        CHECK(failed.again.us() <= least.us() / 10 * 11);
        CHECK(failed.again >= before);
        if (i < 8) before = least;
        CHECK(scene.issuer.next_deadline() == scene.at.now + failed.again);
        scene.wait();
    }
    scene.next("directory");
    scene.answer(429, problem_json("rateLimited", "too many"), "", "86400");
    CHECK(scene.failures.back().again == kDay);
    CHECK(has(scene.failures.back().why, "rateLimited: too many; it is asked again when"));
    scene.wait();
    scene.next("directory");
    scene.answer(503, "", "", "Fri, 15 Jan 2027 09:20:00 GMT");
    CHECK(has(scene.failures.back().why, "status 503"));
}

TEST_CASE("Issuer: what the authority does not see is told with its reason and the remedy") {
    Scene scene;
    scene.begin();
    scene.next("authorization/0");
    scene.answer(200, authorization_json("pending"));
    scene.next("c/2");
    scene.answer(200, "{}");
    scene.wait();
    scene.next("authorization/0");
    scene.answer(200, authorization_json("invalid", "meet.test",
                                         R"(,"error":{"detail":"connection\nrefused"})"));
    REQUIRE(scene.failures.size() == 1);
    CHECK(has(scene.failures[0].why,
              "could not see that meet.test is this server: connection "
              "refused; let the whole internet reach it at port 443"));
    CHECK(scene.challenges.empty());
    // The other kind is next.
    scene.wait();
    scene.begin();
    scene.next("authorization/0");
    scene.answer(200, authorization_json("pending"));
    REQUIRE(scene.challenges.size() == 1);
    CHECK(scene.challenges[0].kind == ChallengeKind::kHttp01);
    scene.next("c/1");
}

TEST_CASE("Issuer: a challenge that it cannot answer, or of a name that is not ours, is refused") {
    Scene none({ChallengeKind::kHttp01});
    none.begin();
    none.next("authorization/0");
    none.answer(200, R"({"status":"pending","identifier":{"value":"meet.test"},"challenges":[]})");
    CHECK(has(none.failures.at(0).why, "none of the challenges"));
    Scene other;
    other.begin();
    other.next("authorization/0");
    other.answer(200, authorization_json("pending", "other.test"));
    CHECK(has(other.failures.at(0).why, "a name that is not ours"));
    CHECK(other.challenges.empty());
}

TEST_CASE("Issuer: several names are shown one after the other; known ones are not [TURN-18]") {
    Scene scene({ChallengeKind::kHttp01}, {"meet.test", "b.test", "c.test"});
    scene.begin(order_json("pending", 3));
    scene.next("authorization/0");
    scene.answer(200, authorization_json("pending"));
    scene.next("c/1");
    scene.answer(200, "{}");
    scene.wait();
    scene.next("authorization/0");
    scene.answer(200, authorization_json("valid"));
    scene.next("authorization/1");
    scene.answer(200, authorization_json("valid", "b.test"));
    scene.next("authorization/2");
    scene.answer(200, authorization_json("pending", "c.test"));
    CHECK(scene.challenges.size() == 2);
    scene.next("c/1");
    scene.answer(200, "{}");
    scene.wait();
    scene.next("authorization/2");
    scene.answer(200, authorization_json("valid", "c.test"));
    scene.next("finalize");
    scene.answer(200, order_json("valid", 3, R"(,"certificate":"https://ca.test/certificate")"));
    scene.next("certificate");
    scene.answer(200, scene.chain(kBegin, kEnd, {"meet.test", "b.test", "c.test"}));
    CHECK(scene.issued == 1);
}

TEST_CASE("Issuer: a certificate that is none of ours is not taken [TURN-18]") {
    const auto failure = [](auto body_of) {
        Scene scene;
        scene.begin(order_json("ready"));
        scene.next("finalize");
        scene.answer(200,
                     order_json("valid", 1, R"(,"certificate":"https://ca.test/certificate")"));
        scene.next("certificate");
        scene.answer(200, body_of(scene));
        CHECK(scene.issued == 0);
        REQUIRE(scene.failures.size() == 1);
        CHECK_FALSE(scene.issuer.poll_transmit());
        return scene.failures[0].why;
    };
    CHECK(has(failure([](Scene&) { return std::string("hello"); }), "has no certificate"));
    CHECK(has(failure([](Scene& scene) { return scene.chain(kBegin, kEnd, {"other.test"}); }),
              "not for meet.test"));
    CHECK(
        has(failure([](Scene& scene) { return scene.chain(kBegin - kDay - kDay, kBegin - kDay); }),
            "expired"));
    CHECK(has(failure([](Scene& scene) {
                  scene.last_key = *crypto::EcKey::generate();
                  return scene.chain(kBegin, kEnd);
              }),
              "not the key of this certificate"));
}

TEST_CASE("Issuer: an authority that never decides is given up [TURN-18]") {
    Scene scene;
    scene.begin();
    scene.next("authorization/0");
    scene.answer(200, authorization_json("pending"));
    scene.next("c/2");
    scene.answer(200, "{}");
    std::size_t polls = 0;
    while (scene.failures.empty() && polls < 1000) {
        scene.wait();
        scene.next("authorization/0");
        scene.answer(200, authorization_json("pending"));
        ++polls;
    }
    CHECK(polls == Issuer::kMaxPolls + 1);
    CHECK(has(scene.failures.at(0).why, "does not come to a decision"));
}

TEST_CASE("Issuer: it waits as long as the authority says, at most half a minute [TURN-18]") {
    for (const auto& [text, pause] :
         {std::pair{"5", Duration::seconds(5)}, std::pair{"0", Issuer::kFirstPoll},
          std::pair{"600", Issuer::kLongestPoll}}) {
        Scene scene;
        scene.begin(order_json("ready"));
        scene.next("finalize");
        scene.answer(200, order_json("processing"), "", text);
        CHECK(scene.issuer.next_deadline() == scene.at.now + pause);
    }
}

TEST_CASE("Issuer: answers that are nonsense end the attempt, none is taken for an order") {
    for (const std::string body :
         {"", "{}", "[]", "<html>", R"({"status":"pending"})",
          R"({"status":"pending","finalize":"http://ca.test/f","authorizations":[]})",
          R"({"status":"pending","finalize":"https://ca.test/f","authorizations":["x"]})",
          R"({"status":"what","finalize":"https://ca.test/f","authorizations":[]})"}) {
        CAPTURE(body);
        Scene scene;
        scene.begin(body);
        CHECK(scene.failures.size() == 1);
    }
    Scene scene;
    scene.issuer.handle_timeout(scene.at);
    scene.next("directory");
    scene.answer(200, "{}");
    CHECK(has(scene.failures.at(0).why, "is no ACME directory; correct tls.acme_directory"));
    // What comes unasked changes nothing.
    scene.answer(200, directory_json());
    scene.issuer.handle_lost(scene.at, "late");
    scene.drain();
    CHECK(scene.failures.size() == 1);
}

TEST_CASE("Issuer: an account that the authority has forgotten is made again [TURN-18]") {
    Scene scene;
    scene.begin();
    scene.next("authorization/0");
    scene.answer(400, problem_json("accountDoesNotExist", "gone"));
    CHECK(scene.failures.size() == 1);
    scene.has_account = false;
    scene.wait();
    scene.next("directory");
    scene.answer(200, directory_json());
    CHECK(parts_of(scene.next("account")).head.find("kid") == nullptr);
}

}  // namespace confab::acme
