// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// X.509 v3 through OpenSSL: random serial, subject = issuer, ecdsa-with-SHA256.
#include "crypto/certificate.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/text.h"
#include "crypto/x509/x509_parts.h"

namespace confab::crypto {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kLifeDays = 30;
constexpr std::size_t kMaxFingerprint = 64;

bool set_validity(X509* certificate, UnixTime now) {
    return ASN1_TIME_set(X509_getm_notBefore(certificate), now.s() - kDaySeconds) != nullptr &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), now.s() + kLifeDays * kDaySeconds) !=
               nullptr;
}

}  // namespace

void Certificate::Free::operator()(x509_st* certificate) const {
    X509_free(certificate);
}
void Certificate::Free::operator()(evp_pkey_st* key) const {
    EVP_PKEY_free(key);
}

Result<Certificate, CertificateError> Certificate::generate(UnixTime now,
                                                            std::string_view common_name) {
    Certificate made;
    made.key_.reset(EVP_EC_gen("P-256"));
    made.certificate_.reset(X509_new());
    if (!made.key_ || !made.certificate_) return fail(CertificateError::kKeyGeneration);

    X509* const certificate = made.certificate_.get();
    const bool ok = X509_set_version(certificate, X509_VERSION_3) == 1 &&
                    set_random_serial(certificate) && set_subject(certificate, common_name) &&
                    set_validity(certificate, now) &&
                    X509_set_pubkey(certificate, made.key_.get()) == 1 &&
                    X509_sign(certificate, made.key_.get(), EVP_sha256()) > 0;
    if (!ok) return fail(CertificateError::kSigning);

    const int size = i2d_X509(certificate, nullptr);
    if (size <= 0) return fail(CertificateError::kSigning);
    made.der_.resize(static_cast<std::size_t>(size));
    unsigned char* end = made.der_.data();
    if (i2d_X509(certificate, &end) != size) return fail(CertificateError::kSigning);
    return made;
}

std::string Certificate::sha256_fingerprint() const {
    return fingerprint_text(sha256(der_));
}

std::optional<DigestAlgorithm> digest_from_sdp_name(std::string_view name) {
    for (const auto algorithm : {DigestAlgorithm::kSha1, DigestAlgorithm::kSha256,
                                 DigestAlgorithm::kSha384, DigestAlgorithm::kSha512})
        if (equals_ignore_case(name, sdp_name(algorithm))) return algorithm;
    return std::nullopt;
}

std::string_view sdp_name(DigestAlgorithm algorithm) {
    switch (algorithm) {
        case DigestAlgorithm::kSha1:
            return "sha-1";
        case DigestAlgorithm::kSha256:
            return "sha-256";
        case DigestAlgorithm::kSha384:
            return "sha-384";
        case DigestAlgorithm::kSha512:
            return "sha-512";
    }
    return {};
}

Bytes certificate_fingerprint(DigestAlgorithm algorithm, BytesView der) {
    return digest(algorithm, der);
}

std::string fingerprint_text(BytesView value) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string text;
    text.reserve(value.size() * 3);
    for (const std::uint8_t octet : value) {
        if (!text.empty()) text += ':';
        text += kHex[octet >> 4];
        text += kHex[octet & 15];
    }
    return text;
}

std::optional<Bytes> parse_fingerprint(std::string_view text) {
    if (text.size() % 3 != 2 || text.size() > kMaxFingerprint * 3) return std::nullopt;
    Bytes value;
    value.reserve(text.size() / 3 + 1);
    for (std::size_t i = 0; i < text.size(); i += 3) {
        if (i > 0 && text[i - 1] != ':') return std::nullopt;
        const auto octet = from_hex(text.substr(i, 2));
        if (!octet || octet->size() != 1) return std::nullopt;
        value.push_back(octet->front());
    }
    return value;
}

}  // namespace confab::crypto
