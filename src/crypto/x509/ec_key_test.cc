// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "crypto/x509/ec_key.h"

#include <doctest/doctest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

namespace confab::crypto {
namespace {

// The key of RFC 7515 appendix A.3.1, as PKCS #8.
constexpr std::string_view kPublished =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
    "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
    "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
    "-----END PRIVATE KEY-----\n";

std::string text_of(const EcKey& key) {
    const Secret pem = key.pem();
    return std::string(as_text(pem.view()));
}

// By the octets of R and S, with OpenSSL's own reader of the key.
bool verifies(std::string_view key_pem, BytesView message,
              const std::array<std::uint8_t, 64>& signature) {
    BIO* const source = BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size()));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(source, nullptr, nullptr, nullptr);
    ECDSA_SIG* const numbers = ECDSA_SIG_new();
    ECDSA_SIG_set0(numbers, BN_bin2bn(signature.data(), 32, nullptr),
                   BN_bin2bn(signature.data() + 32, 32, nullptr));
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(numbers, &der);
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    const bool ok = EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key) == 1 &&
                    EVP_DigestVerify(context, der, static_cast<std::size_t>(size), message.data(),
                                     message.size()) == 1;
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    ECDSA_SIG_free(numbers);
    EVP_PKEY_free(key);
    BIO_free(source);
    return ok;
}

}  // namespace

TEST_CASE("EcKey: the published key, as JSON and its thumbprint (RFC 7638)") {
    const auto key = EcKey::from_pem(kPublished);
    REQUIRE(key);
    CHECK(
        key->jwk() ==
        R"({"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
    CHECK(key->thumbprint() == "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
    CHECK(EcKey::from_pem(text_of(*key))->jwk() == key->jwk());
}

TEST_CASE("EcKey: signs what the public key verifies, 64 octets however small the numbers") {
    const auto key = EcKey::from_pem(kPublished);
    const auto other = EcKey::generate();
    REQUIRE(key);
    REQUIRE(other);
    CHECK(other->jwk() != key->jwk());
    const Bytes message = to_vector(as_bytes("a.b"));
    // One in 256 begins with an octet of zero.
    for (int i = 0; i < 600; ++i) {
        const auto signature = key->sign_es256(message);
        REQUIRE(signature);
        REQUIRE(verifies(kPublished, message, *signature));
    }
    const auto signature = key->sign_es256(message);
    CHECK_FALSE(verifies(text_of(*other), message, *signature));
    CHECK_FALSE(verifies(kPublished, as_bytes("a.c"), *signature));
}

TEST_CASE("EcKey: what is no such key is refused") {
    CHECK(EcKey::from_pem("").error() == EcKeyError::kNoKey);
    CHECK(EcKey::from_pem(kPublished.substr(0, 100)).error() == EcKeyError::kNoKey);
    CHECK(EcKey::from_pem(std::string(20'000, 'x')).error() == EcKeyError::kNoKey);
    EVP_PKEY* const rsa = EVP_RSA_gen(1024);
    EVP_PKEY* const p384 = EVP_EC_gen("P-384");
    for (EVP_PKEY* const one : {rsa, p384}) {
        BIO* const out = BIO_new(BIO_s_mem());
        PEM_write_bio_PrivateKey(out, one, nullptr, nullptr, 0, nullptr, nullptr);
        char* data = nullptr;
        const long size = BIO_get_mem_data(out, &data);
        const auto read = EcKey::from_pem({data, static_cast<std::size_t>(size)});
        CHECK(read.error() == EcKeyError::kOtherCurve);
        BIO_free(out);
        EVP_PKEY_free(one);
    }
}

TEST_CASE("EcKey: asks for a certificate of its names (RFC 2986)") {
    const auto key = EcKey::generate();
    REQUIRE(key);
    const auto der = key->certificate_request({"meet.test", "turn.test"});
    REQUIRE(der);
    const unsigned char* at = der->data();
    const std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> request(
        d2i_X509_REQ(nullptr, &at, static_cast<long>(der->size())), &X509_REQ_free);
    REQUIRE(request);
    EVP_PKEY* const shown = X509_REQ_get_pubkey(request.get());
    CHECK(X509_REQ_verify(request.get(), shown) == 1);
    EVP_PKEY_free(shown);
    STACK_OF(X509_EXTENSION)* const extensions = X509_REQ_get_extensions(request.get());
    auto* const names = static_cast<GENERAL_NAMES*>(
        X509V3_get_d2i(extensions, NID_subject_alt_name, nullptr, nullptr));
    CHECK(sk_GENERAL_NAME_num(names) == 2);
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    CHECK(key->certificate_request({}).error() == EcKeyError::kSigning);
}

}  // namespace confab::crypto
