// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "crypto/x509/ec_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <utility>

#include "base/text.h"
#include "crypto/digest.h"
#include "crypto/x509/pem_text.h"

namespace confab::crypto {
namespace {

constexpr std::size_t kCoordinate = 32;
constexpr std::size_t kMaxPem = 16 * 1024;

struct Free {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(BIGNUM* number) const { BN_free(number); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
    void operator()(X509_REQ* request) const { X509_REQ_free(request); }
};
template <typename T>
using Owned = std::unique_ptr<T, Free>;

int no_password(char*, int, int, void*) {
    return -1;
}

bool is_p256(const EVP_PKEY* key) {
    std::array<char, 32> group{};
    std::size_t size = 0;
    return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(),
                                          group.size(), &size) == 1 &&
           std::string_view(group.data(), size) == "prime256v1";
}

std::string coordinate(const EVP_PKEY* key, const char* name) {
    BIGNUM* number = nullptr;
    std::array<std::uint8_t, kCoordinate> bytes{};
    if (EVP_PKEY_get_bn_param(key, name, &number) == 1)
        (void)BN_bn2binpad(number, bytes.data(), static_cast<int>(bytes.size()));
    BN_free(number);
    return base64_encode(bytes, Base64::kUrlNoPadding);
}

bool add_names(X509_REQ* request, const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "DNS:" : ",DNS:") + name;
    STACK_OF(X509_EXTENSION)* const list = sk_X509_EXTENSION_new_null();
    X509_EXTENSION* const one =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, text.c_str());
    const bool ok = list != nullptr && one != nullptr && sk_X509_EXTENSION_push(list, one) > 0 &&
                    X509_REQ_add_extensions(request, list) == 1;
    sk_X509_EXTENSION_free(list);
    X509_EXTENSION_free(one);
    return ok;
}

}  // namespace

Result<EcKey, EcKeyError> EcKey::generate() {
    KeyHandle key(EVP_EC_gen("P-256"));
    if (!key) return fail(EcKeyError::kGeneration);
    return EcKey(std::move(key));
}

Result<EcKey, EcKeyError> EcKey::from_pem(std::string_view pem) {
    if (pem.size() > kMaxPem) return fail(EcKeyError::kNoKey);
    const Owned<BIO> source(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    KeyHandle key(PEM_read_bio_PrivateKey(source.get(), nullptr, &no_password, nullptr));
    ERR_clear_error();
    if (!key) return fail(EcKeyError::kNoKey);
    if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_EC || !is_p256(key.get()))
        return fail(EcKeyError::kOtherCurve);
    return EcKey(std::move(key));
}

Secret EcKey::pem() const {
    return private_key_pem(key_.get());
}

std::string EcKey::jwk() const {
    return R"({"crv":"P-256","kty":"EC","x":")" + coordinate(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X) +
           R"(","y":")" + coordinate(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y) + R"("})";
}

std::string EcKey::thumbprint() const {
    return base64_encode(sha256(as_bytes(jwk())), Base64::kUrlNoPadding);
}

Result<std::array<std::uint8_t, 64>, EcKeyError> EcKey::sign_es256(BytesView bytes) const {
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    std::array<std::uint8_t, 128> der;
    std::size_t size = der.size();
    if (!context ||
        EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), der.data(), &size, bytes.data(), bytes.size()) != 1)
        return fail(EcKeyError::kSigning);
    const unsigned char* at = der.data();
    const Owned<ECDSA_SIG> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
    std::array<std::uint8_t, 64> result{};
    constexpr int kSize = static_cast<int>(kCoordinate);
    if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), result.data(), kSize) < 0 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), result.data() + kCoordinate, kSize) < 0)
        return fail(EcKeyError::kSigning);
    return result;
}

Result<Bytes, EcKeyError> EcKey::certificate_request(const std::vector<std::string>& names) const {
    const Owned<X509_REQ> request(X509_REQ_new());
    if (!request || names.empty() || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_pubkey(request.get(), key_.get()) != 1 || !add_names(request.get(), names) ||
        X509_REQ_sign(request.get(), key_.get(), EVP_sha256()) <= 0)
        return fail(EcKeyError::kSigning);
    const int size = i2d_X509_REQ(request.get(), nullptr);
    if (size <= 0) return fail(EcKeyError::kSigning);
    Bytes der(static_cast<std::size_t>(size));
    unsigned char* at = der.data();
    (void)i2d_X509_REQ(request.get(), &at);
    return der;
}

}  // namespace confab::crypto
